import type { Event } from '../../../src/model/event.ts';
import type { Item, ItemKind } from '../../../src/model/item.ts';
import { Float, type Json, type JsonObject } from '../../../src/model/json.ts';
import { sample } from './worker-rig.ts';

// Items as a definition, an expression or a foreign listener could make them: their types are what the compiler believes.

const polluted = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as JsonObject;
const manyKeys = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`key ${i}`, `value ${i}`]));
const deep = JSON.parse(`${'{"a":'.repeat(60)}1${'}'.repeat(60)}`) as Json;

const volumes: readonly Json[] = [
  null,
  true,
  '12',
  '12abc',
  'nan',
  '',
  [],
  [1, [2]],
  {},
  polluted,
  10n ** 400n,
  -(10n ** 4299n),
  new Float(Number.NaN),
  new Float(Number.POSITIVE_INFINITY),
  new Float(Number.NEGATIVE_INFINITY),
  1.7e308,
  -5e-324,
  0,
];
const noTexts: readonly Json[] = [
  null,
  5,
  true,
  [],
  ['a'],
  {},
  polluted,
  '',
  '__proto__',
  '\ud800',
  'a\u0000b\n',
  'x'.repeat(65_536),
];
const times: readonly Json[] = [
  null,
  5,
  {},
  '',
  'never',
  '0001-01-01T00:00:00',
  '9999-12-31T23:59:59.999999',
  '1'.repeat(10_000),
];

export interface HostileItem {
  readonly title: string;
  readonly item: Item;
}

function titled(field: string, value: Json): string {
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}` : inner)) ?? String(value);
  return `${field} ${value instanceof Float ? value.value : text.slice(0, 40)}`;
}

function samplesWith(field: string, values: readonly Json[]): HostileItem[] {
  return values.map((value, i) => ({ title: titled(field, value), item: sample(`hostile-${field}-${i}`, { [field]: value }) }));
}

const hostileSamples: readonly HostileItem[] = [
  ...samplesWith('volume', volumes),
  ...['name', 'unit', 'type', 'resource_id', 'user_id', 'project_id', 'source'].flatMap((field) => samplesWith(field, noTexts)),
  ...samplesWith('timestamp', times),
  ...samplesWith('monotonic_time', ['5', null, 10n ** 400n, new Float(Number.NaN)]),
  ...samplesWith('resource_metadata', [
    polluted,
    manyKeys,
    deep,
    { cpu_number: polluted },
    { cpu_number: 0 },
    { cpu_number: '0' },
  ]),
  ...['', '\n', '__proto__', 'x'.repeat(65_536)].map((id) => ({ title: titled('id', id), item: sample(id) })),
];

export function event(id: string, fields: Partial<Record<keyof Event, unknown>> = {}): Event {
  return {
    message_id: id,
    event_type: 'compute.instance.create.start',
    generated: '2026-01-01T00:00:00',
    traits: [['instance_id', 1, 'r']],
    raw: {},
    ...fields,
  } as Event;
}

function eventsWith(field: keyof Event, values: readonly unknown[]): HostileItem[] {
  return values.map((value, i) => ({
    title: titled(field, value as Json),
    item: event(`hostile-${field}-${i}`, { [field]: value }),
  }));
}

const hostileEvents: readonly HostileItem[] = [
  ...eventsWith('event_type', noTexts),
  ...eventsWith('generated', times),
  ...eventsWith('traits', [
    [],
    ...[...volumes, ...noTexts, deep].map((value) => [
      ['instance_id', 1, value],
      ['state', 1, value],
    ]),
    [['__proto__', 1, 'a']],
    Array.from({ length: 5_000 }, (_, i) => [`trait ${i}`, 1, 'a']),
    [
      ['instance_id', 1, 'a'],
      ['instance_id', 1, 'b'],
    ],
  ]),
  ...eventsWith('raw', [polluted, manyKeys, deep]),
  ...['', '\n', '__proto__', 'x'.repeat(65_536)].map((id) => ({ title: titled('message_id', id), item: event(id) })),
];

export const hostileItems: Readonly<Record<ItemKind, readonly HostileItem[]>> = {
  samples: hostileSamples,
  events: hostileEvents,
};
