import { describe, expect, it } from 'vitest';
import { type ConverterOptions, createConverter } from '../../../src/core/convert/converter.ts';
import { Float, type Json, type JsonObject } from '../../../src/model/json.ts';
import { notification } from './notification.ts';

const meter = (change: JsonObject = {}): JsonObject => ({
  name: 'test.m',
  event_type: 'test.create',
  type: 'gauge',
  unit: 'B',
  volume: '$.payload.size',
  resource_id: '$.payload.id',
  ...change,
});

function converter(meters: readonly Json[], events: readonly Json[] = [], options: ConverterOptions = {}) {
  return createConverter({
    meters: [{ file: 'meters.yaml', definitions: meters }],
    events: [{ file: 'events.yaml', definitions: events }],
    options,
  });
}

const samplesOf = (meters: readonly Json[], payload: Json, options: ConverterOptions = {}) =>
  converter(meters, [], options).convert(notification(payload));

describe('meters', () => {
  it('make a sample of what their paths find', () => {
    const { samples, verdict, problems } = samplesOf([meter()], { size: 10, id: 'r1' });

    expect(samples).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8/),
        source: 'openstack',
        name: 'test.m',
        type: 'gauge',
        unit: 'B',
        volume: 10,
        user_id: null, // the fallback ctxt.user_id|ctxt.user never matches
        user_name: null,
        project_id: null,
        project_name: null,
        resource_id: 'r1',
        timestamp: '2020-02-03T04:05:06.789000+00:00',
        resource_metadata: { size: 10, id: 'r1', event_type: 'test.create', host: 'svc.host1' },
        monotonic_time: null,
      },
    ]);
    expect([verdict, problems]).toEqual(['ack', []]);
  });

  it('give a sample the same id whatever other meters exist', () => {
    const alone = samplesOf([meter()], { size: 1, id: 'r' }).samples;
    const among = samplesOf([meter({ name: 'other' }), meter(), meter({ name: 'third' })], { size: 1, id: 'r' }).samples;

    expect(among.find(({ name }) => name === 'test.m')?.id).toBe(alone[0]?.id);
    expect(new Set(among.map(({ id }) => id)).size).toBe(3);
  });

  it('keep only what is true of their metadata, and the reserved tags of users', () => {
    const { samples } = samplesOf(
      [meter({ metadata: { a: '$.payload.a', zero: '$.payload.zero' }, user_metadata: '$.payload.meta' })],
      { size: 1, id: 'r', a: 'x', zero: 0, meta: { 'metering.b.c': 'é'.repeat(300), other: 1 } },
    );

    expect(samples[0]?.resource_metadata).toEqual({ a: 'x', user_metadata: { b_c: 'é'.repeat(256) } });
  });

  it('drop samples whose volume is null or no number, and count them', () => {
    const { samples, dropped } = samplesOf([meter(), meter({ name: 'n', volume: '$.payload.word' })], { word: 'abc', id: 'r' });

    expect([samples, dropped]).toEqual([[], 2]);
  });

  it('look up one sample per name, with attributes that come as lists', () => {
    const definition = meter({
      name: '$.payload.items[*].name',
      volume: '$.payload.items[*].v',
      unit: '$.payload.items[*].u',
      lookup: ['name', 'volume', 'unit'],
    });
    const items = [
      { name: 'm1', v: 1, u: 'B' },
      { name: 'm2', v: 2, u: 'GB' },
    ];

    expect(samplesOf([definition], { id: 'r', items }).samples.map(({ name, volume, unit }) => [name, volume, unit])).toEqual([
      ['m1', 1, 'B'],
      ['m2', 2, 'GB'],
    ]);
    expect(
      samplesOf([definition], {
        id: 'r',
        items: [
          { name: 'm1', v: 1 },
          { name: 'm2', v: 2 },
        ],
      }).samples,
    ).toEqual([]);
  });

  it('of one name: the last in a file is used', () => {
    const { convert, warnings } = converter([meter({ unit: 'first' }), meter({ unit: 'last' })]);

    expect(convert(notification({ size: 1, id: 'r' })).samples.map(({ unit }) => unit)).toEqual(['last']);
    expect(warnings).toEqual(['meters.yaml: metric[0] (test.m): defined twice, this one is not used']);
  });

  it.each<[string, JsonObject, RegExp]>([
    ['a path that does not parse', { volume: '$.a b' }, /metric\[0\] \(test\.m\): volume: .*character/],
    ['a missing field', { volume: 0 }, /volume: required/],
    ['an unknown type', { type: 'speed' }, /type: speed is none of/],
    ['a bad regular expression', { event_type: '*' }, /event_type: "\*": .*nothing to repeat/],
    ['map without values', { volume: { fields: 'a', plugin: 'map' } }, /volume: the map plugin needs "values"/],
    ['an unknown plugin', { volume: { fields: 'a', plugin: 'nope' } }, /volume: there is no plugin "nope"/],
  ])('do not load natively for %s, naming file, index and field', (_, change, message) => {
    expect(() => converter([meter(change)])).toThrow(
      expect.objectContaining({ class: 'fatal', code: 'bad_definition', message: expect.stringMatching(message) }),
    );
  });

  it('in compat mode are left out for a bad path, and ALL of them for a bad regular expression', () => {
    const good = meter({ name: 'good' });
    const badPath = converter([meter({ volume: '%' }), good], [], { compat: true });
    const badRegex = converter([meter({ event_type: '*' }), good], [], { compat: true });

    expect(badPath.convert(notification({ size: 1, id: 'r' })).samples).toHaveLength(1);
    expect(badRegex.convert(notification({ size: 1, id: 'r' })).samples).toHaveLength(0);
    expect(badRegex.warnings[0]).toMatch(/NO meter definition is used/);
  });
});

describe('a notification that a definition cannot handle', () => {
  const meters = [meter({ volume: '$.payload.size[*]' })];

  it('is requeued in compat mode and yields nothing', () => {
    const conversion = converter(meters, [], { compat: true }).convert(notification({ size: null, id: 'r' }));

    expect(conversion).toMatchObject({ samples: [], events: [], verdict: 'requeue', problems: [{ stage: 'samples' }] });
  });

  it('natively is a problem of the samples; its event stands', () => {
    const conversion = converter(meters).convert(notification({ size: null, id: 'r' }));

    expect(conversion).toMatchObject({ samples: [], verdict: 'ack', problems: [{ stage: 'samples', code: 'bad_value' }] });
    expect(conversion.events).toHaveLength(1);
  });

  it('natively must be about something', () => {
    expect(samplesOf([meter()], { size: 1 })).toMatchObject({ samples: [], problems: [{ stage: 'samples' }] });
    expect(samplesOf([meter()], { size: 1 }, { compat: true }).samples[0]?.resource_id).toBeNull();
  });
});

describe('events', () => {
  const traits = {
    size: { type: 'int', fields: 'payload.size' },
    at: { type: 'datetime', fields: 'payload.at' },
    text: 'payload.any',
  };
  const eventOf = (payload: Json, options: ConverterOptions = {}) =>
    converter([], [{ event_type: 'test.*', traits }], options).convert(notification(payload));

  it('have typed traits after the default ones', () => {
    expect(eventOf({ size: '12', at: '2020-01-01T01:00:00+01:00', any: { k: [1, null] } }).events).toEqual([
      {
        message_id: 'm-1',
        event_type: 'test.create',
        generated: '2020-02-03T04:05:06.789000',
        traits: [
          ['service', 1, 'svc.host1'],
          ['request_id', 1, 'req-1'],
          ['project_id', 1, 'cp'],
          ['user_id', 1, 'cu'],
          ['tenant_id', 1, 'cp'],
          ['size', 2, 12],
          ['at', 4, '2020-01-01T00:00:00'],
          ['text', 1, "{'k': [1, None]}"],
        ],
        raw: {},
      },
    ]);
  });

  it('leave out traits that are null, or empty where a text is not wanted', () => {
    expect(eventOf({ size: '', at: null, any: '' }).events[0]?.traits.map(([name]) => name)).toEqual([
      'service',
      'request_id',
      'project_id',
      'user_id',
      'tenant_id',
      'text',
    ]);
  });

  it('are lost for one trait that cannot be converted', () => {
    expect(eventOf({ size: '12.5' })).toMatchObject({ events: [], verdict: 'ack', problems: [{ stage: 'events' }] });
    expect(eventOf({ size: '12.5' }, { compat: true, ackOnEventError: false }).verdict).toBe('requeue');
  });

  it('carry the whole notification for the priorities that store it', () => {
    const raw = eventOf({ size: 1 }, { storeRaw: ['INFO'] }).events[0]?.raw;

    expect(raw).toMatchObject({ event_type: 'test.create', payload: { size: 1 }, metadata: { message_id: 'm-1' } });
  });

  it('come of the last definition that matches, alone; exclusions fall through to the catch-all', () => {
    const { convert } = converter(
      [],
      [
        { event_type: 'test.*', traits: { a: 'event_type' } },
        { event_type: ['*', '!test.create'], traits: { b: 'event_type' } },
      ],
    );
    const names = (eventType: string) =>
      convert(notification({}, { event_type: eventType }))
        .events[0]?.traits.map(([name]) => name)
        .slice(-1);

    expect(names('test.create')).toEqual(['a']);
    expect(names('test.delete')).toEqual(['b']);
    expect(names('other')).toEqual(['b']);
  });

  it('are not made of unmatched notifications when those are to be dropped', () => {
    const { convert } = converter([], [{ event_type: 'x', traits: {} }], { dropUnmatched: true });

    expect(convert(notification({})).events).toEqual([]);
  });

  it.each<[string, Json]>([
    ['no traits', { event_type: 'x' }],
    ['an unknown type', { event_type: 'x', traits: { a: { fields: 'a', type: 'date' } } }],
    ['a bad path', { event_type: 'x', traits: { a: '%' } }],
    ['no object', 'x'],
  ])('do not load for %s, compat or not', (_, definition) => {
    for (const compat of [true, false])
      expect(() => converter([], [definition], { compat })).toThrow(expect.objectContaining({ code: 'bad_definition' }));
  });

  it('refuse natively what JSON cannot say', () => {
    const { convert } = converter([], [{ event_type: '*', traits: { f: { type: 'float', fields: 'payload.f' } } }]);

    expect(convert(notification({ f: 'inf' }))).toMatchObject({ events: [], problems: [{ stage: 'events' }] });
    expect(convert(notification({ f: '2' })).events[0]?.traits.at(-1)).toEqual(['f', 3, new Float(2)]);
  });
});

describe('trait plugins', () => {
  const traitOf = (plugin: Json, fields: Json, payload: Json, type = 'text') =>
    converter([], [{ event_type: '*', traits: { t: { fields, plugin, type } } }])
      .convert(notification(payload))
      .events[0]?.traits.find(([name]) => name === 't')?.[2];

  it.each<[Json, Json, string, Json | undefined]>([
    ['split', 'payload.s', 'text', 'a'],
    [{ name: 'split', parameters: { separator: '-', segment: -1 } }, 'payload.d', 'text', 'z'],
    [{ name: 'split', parameters: { separator: '-', segment: 1, max_split: 1 } }, 'payload.d', 'text', 'y-z'],
    [{ name: 'split', parameters: { segment: 9 } }, 'payload.s', 'text', undefined],
    ['timedelta', ['payload.from', 'payload.to'], 'float', 100.5],
    ['timedelta', ['payload.from'], 'float', undefined],
    [
      {
        name: 'bitfield',
        parameters: {
          flags: [
            { path: 'payload.n', bit: 2, value: 5 },
            { path: 'payload.x', bit: 0 },
          ],
        },
      },
      'payload.n',
      'int',
      4,
    ],
    [{ name: 'map', parameters: { values: { A: 'one' }, case_sensitive: false, default: 'none' } }, 'payload.w', 'text', 'one'],
    [{ name: 'map', parameters: { values: { A: 'one' }, default: 'none' } }, 'payload.w', 'text', 'none'],
  ])('%j of %j', (plugin, fields, type, expected) => {
    const payload = { s: 'a.b', d: 'x-y-z', n: 5, w: 'a', from: '2020-01-01T00:00:00Z', to: '2020-01-01 00:01:40.5' };

    expect(traitOf(plugin, fields, payload, type)).toEqual(expected);
  });
});

describe('built-in endpoints', () => {
  const none = converter([]);

  it('pass on what a polling agent measured, ids too', () => {
    const sample = {
      counter_name: 'cpu',
      counter_type: 'cumulative',
      counter_unit: 'ns',
      counter_volume: new Float(5),
      user_id: 'u',
      project_id: 'p',
      resource_id: 'r',
      timestamp: '2020-01-01T00:00:00',
      resource_metadata: { a: 1 },
      source: 'openstack',
      message_id: 'own-id',
      monotonic_time: 1.5,
    };
    const fields = { event_type: 'telemetry.polling', priority: 'sample' } as const;

    expect(none.convert(notification({ samples: [sample] }, fields)).samples).toMatchObject([
      { id: 'own-id', name: 'cpu', volume: new Float(5), timestamp: '2020-01-01T00:00:00', monotonic_time: null },
    ]);
    expect(none.convert(notification({ samples: [{}] }, fields)).problems).toMatchObject([{ stage: 'samples' }]);
  });

  it('count HTTP requests', () => {
    const payload = { request: { HTTP_X_USER_ID: 'u', HTTP_X_SERVICE_NAME: 'nova' } };

    expect(none.convert(notification(payload, { event_type: 'http.request' })).samples).toMatchObject([
      { name: 'http.request', type: 'delta', unit: 'request', volume: 1, user_id: 'u', project_id: null, resource_id: 'nova' },
    ]);
  });

  it('read sensors, passing over those that are disabled or unreadable', () => {
    const sensors = {
      a: { 'Sensor ID': 'Fan 1 (0x30)', 'Sensor Reading': '4000 RPM' },
      b: { 'Sensor ID': 'Fan 2', 'Sensor Reading': 'Disabled' },
      c: { 'Sensor ID': 'Fan 3', 'Sensor Reading': 'fast' },
      d: { 'Sensor Reading': '1 RPM' },
    };
    const payload = {
      node_uuid: 'n1',
      timestamp: '2020-01-01T00:00:00',
      event_type: 'hardware.ipmi.metrics.update',
      payload: { Fan: sensors, Voltage: { v: { 'Sensor ID': 'V', 'Sensor Reading': '12 (+/- 1) Volts' } } },
    };

    expect(none.convert(notification(payload, { event_type: 'hardware.ipmi.metrics' })).samples).toMatchObject([
      { name: 'hardware.ipmi.fan', volume: new Float(4000), unit: 'RPM', resource_id: 'n1-fan_1_(0x30)' },
      { name: 'hardware.ipmi.voltage', volume: new Float(12), unit: 'V', resource_id: 'n1-v' },
    ]);
  });
});

it('a payload never pollutes prototypes', () => {
  const payload = JSON.parse(
    '{"size": 1, "id": "r", "__proto__": {"polluted": 1}, "meta": {"metering.__proto__": {"polluted": 1}}}',
  ) as Json;

  const { samples } = samplesOf(
    [meter(), meter({ name: 'm2', metadata: { constructor: '$.payload.id' }, user_metadata: '$.payload.meta' })],
    payload,
  );

  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(samples).toHaveLength(2);
  expect((samples[0]?.resource_metadata as { polluted?: unknown }).polluted).toBeUndefined();
});
