import { describe, expect, it } from 'vitest';
import { createConverter } from '../../../src/core/convert/converter.ts';
import { decodeNotification } from '../../../src/core/convert/envelope.ts';
import { jsonPath } from '../../../src/core/convert/json-path/find.ts';
import type { Fault } from '../../../src/model/faults.ts';
import { Float, type Json } from '../../../src/model/json.ts';
import { base } from './corpus.ts';

// Definitions as anybody could write them, and ordinary ones that meet a payload made for them.

const notification = (payload: unknown, eventType = 'e.x') =>
  decodeNotification(
    new TextEncoder().encode(JSON.stringify({ ...base, message_id: 'm', event_type: eventType, payload })),
    undefined,
    { maxBytes: 4 << 20 },
  );
const payload = { v: 5, r: 'r', list: [1, 2], text: 'a.b', nested: { __proto__: null, deep: [{ a: 1 }] } };

function cpuMs(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const odd: readonly Json[] = [
  null,
  true,
  0,
  5,
  -1.5,
  10n ** 400n,
  new Float(Number.POSITIVE_INFINITY),
  '',
  ' ',
  '*',
  '$',
  '$..*',
  '(',
  ')',
  '[',
  '`',
  '`this`',
  '`parent`.`parent`.`parent`',
  '`len`',
  '`sorted`',
  '`split(., 0, -1)`',
  '`sub(/(a+)+$/, x)`',
  '`sub(/(/, x)`',
  'payload.v / 0',
  'payload.v - payload.text',
  'payload.list[99999999999999999999]',
  'payload.list[-1]',
  'payload.list[5:1]',
  'payload.list[?(@ ~ "(a+)+$")]',
  'payload.nested.constructor',
  'payload.__proto__.polluted',
  `payload${'.a'.repeat(3_000)}`,
  '('.repeat(1_000),
  `${'('.repeat(200)}payload.v${')'.repeat(200)}`,
  'payload.v|'.repeat(200),
  'x'.repeat(100_000),
  '\u0000\ud800',
  [],
  [''],
  [null],
  ['payload.v', ['payload.v']],
  Array.from({ length: 1_000 }, () => 'payload.v'),
  {},
  { fields: null },
  { fields: [] },
  { fields: 'payload.text', plugin: 'nothing' },
  { fields: 'payload.text', plugin: { name: 'constructor' } },
  { fields: 'payload.text', plugin: { name: 'split', parameters: { separator: '', segment: 1e9, max_split: -1 } } },
  { fields: 'payload.text', plugin: { name: 'split', parameters: { segment: 'x' } } },
  { fields: 'payload.text', plugin: { name: 'map', parameters: { values: {} } } },
  { fields: 'payload.text', plugin: { name: 'map', parameters: { values: JSON.parse('{"__proto__":1}') as Json } } },
  { fields: 'payload.text', plugin: { name: 'bitfield', parameters: { flags: [{ path: 'payload.text', bit: 1e9 }] } } },
  { fields: 'payload.text', plugin: { name: 'bitfield', parameters: { flags: 5, initial_bitfield: 'x' } } },
  { fields: 'payload.text', plugin: { name: 'timedelta', parameters: [] } },
  JSON.parse('{"__proto__":{"polluted":true}}') as Json,
];
const meter = { name: 'm', event_type: 'e.x', type: 'gauge', unit: 'u', volume: 'payload.v', resource_id: 'payload.r' };
const event = { event_type: 'e.x', traits: { t: { fields: 'payload.v' } } };
const meterFields = [
  ...Object.keys(meter),
  'timestamp',
  'user_id',
  'project_id',
  'lookup',
  'metadata',
  'user_metadata',
  '__proto__',
];

function withField(definition: Readonly<Record<string, Json>>, field: string, value: Json): Json {
  const changed = { ...definition };
  Object.defineProperty(changed, field, { value, enumerable: true, configurable: true, writable: true });
  return changed;
}

/** Refused with its place, or in force without ever throwing. */
function meetsItsFate(meters: readonly Json[], events: readonly Json[], compat: boolean): void {
  const place = (index: number) => `${index + 3}:5`;
  const file = (definitions: readonly Json[]) => (definitions.length === 0 ? [] : [{ file: 'd.yaml', definitions, place }]);
  let converter: ReturnType<typeof createConverter>;
  try {
    converter = createConverter({ meters: file(meters), events: file(events), options: { compat } });
  } catch (error) {
    expect(error).toMatchObject({ name: 'Fault', class: 'fatal', code: 'bad_definition' });
    expect((error as Fault).message).toMatch(/^d\.yaml:3:5: (metric|event)\[0\]/);
    expect((error as Fault).message.length).toBeLessThan(2_000);
    return;
  }
  for (const given of [payload, null, [], { v: 'x'.repeat(60_000), r: payload, list: 'a'.repeat(60_000), text: 5 }])
    converter.convert(notification(given));
}

describe.each([
  ['native', false],
  ['compat', true],
])('a definition (%s)', (_mode, compat) => {
  it.each(meterFields)('of a meter whose %s is odd is refused with its place, or works', (field) => {
    for (const value of odd) {
      const cost = cpuMs(() => meetsItsFate([withField(meter, field, value)], [], compat));

      expect(cost).toBeLessThan(2_000);
    }
  });

  it('of a meter with odd metadata is refused with its place, or works', () => {
    for (const value of odd)
      meetsItsFate([{ ...meter, metadata: withField({ a: 'payload.v' }, '__proto__', value) }], [], compat);
  });

  it.each(['event_type', 'traits'])('of an event whose %s is odd is refused with its place, or works', (field) => {
    for (const value of odd) meetsItsFate([], [withField(event, field, value)], compat);
  });

  it.each([
    'fields',
    'type',
    'plugin',
    '__proto__',
  ])('of a trait whose %s is odd is refused with its place, or works', (field) => {
    for (const value of odd)
      meetsItsFate([], [{ event_type: 'e.x', traits: { t: withField({ fields: 'payload.v' }, field, value) } }], compat);
  });

  it.each(
    odd.map((value) => [JSON.stringify(value, (_, inner) => String(inner))?.slice(0, 40), value] as const),
  )('that is %s altogether is refused with its place, or works', (_title, value) => {
    meetsItsFate([value], [], compat);
    meetsItsFate([], [value], compat);
  });
});

describe('an event type', () => {
  it.each([
    '(a+)+$',
    '(a+)+\\1$',
    '(?:(?=(a+)+$)a)*b',
    '(?:a?){3000}a{3000}',
    '((((((a*)*)*)*)*)*)*$',
  ])('of 64 KB is held against %s and bounded in steps', (pattern) => {
    const converter = createConverter({
      meters: [{ file: 'd.yaml', definitions: [{ ...meter, event_type: pattern }] }],
      events: [],
    });
    const text = `${'a'.repeat(65_000)}!`;

    const cost = cpuMs(() => {
      const { verdict, problems } = converter.convert(notification(payload, text));
      expect(verdict).toBe('ack');
      for (const problem of problems) expect(problem.message).toContain('steps');
    });

    expect(cost).toBeLessThan(5_000);
  });
});

describe('a path', () => {
  const many = (value: Json) => ({ payload: { list: Array.from({ length: 20_000 }, () => value), text: 'a'.repeat(65_000) } });
  it.each<[string, Json]>([
    ['$..*', many({ a: [1, 2, 3] })],
    ['$..*..*', many({ a: [1] })],
    ['payload.list[*].a.b.c', many({ a: 1 })],
    ['payload..a..a..a', many({ a: { a: { a: 1 } } })],
    ['payload.list[*] * 1000000', many([1])],
    ['payload.list[*] * 1000000', many('ab')],
    ['payload.list[*] + payload.list[*]', many('a'.repeat(50))],
    ['payload.list.`sorted`', many('b')],
    ['payload.list[\\a]', many({ a: 1 })],
    ['payload.list[?(@.a > 1)]', many({ a: 1 })],
    ['payload.list[?a ~ "(x+)+y"]', many({ a: 'x'.repeat(100) })],
    ['payload.list[?a ~ "(x+)+\\1y"]', many({ a: 'x'.repeat(100) })],
    ['payload.list[*].`sub(/(x+)+\\\\1y/, z)`', many('x'.repeat(100))],
    ['payload.text.`sub(/(a+)+$/, x)`', many(1)],
    ['payload.text.`sub(/(a*)*b/, x)`', many(1)],
    ['payload.text.`split(a, 60000, -1)`', many(1)],
    ['payload.list|payload.list|payload.list', many(1)],
    ['(payload.list[*]|payload.list[*]|payload.list[*]).a', many({ a: 1 })],
  ])('%s ends on a payload of many values', (path, document) => {
    const before = process.memoryUsage().rss;
    const cost = cpuMs(() => {
      const compiled = jsonPath(path);
      for (const find of [compiled.first, compiled.all, compiled.withPaths]) {
        try {
          find(document);
        } catch (error) {
          expect(error).toMatchObject({ name: 'PythonError' });
        }
      }
    });

    expect(cost).toBeLessThan(5_000);
    expect((process.memoryUsage().rss - before) / 1e6).toBeLessThan(500);
  });
});
