// Notifications as an attacker, a broken sender or a bored test would write them: made in code, small, every one with the fate it must
// have. `refused` is the code of the poison fault that decoding throws, `problem` a part that cannot be converted and becomes a
// dead letter while the rest stands, `passes` what looks hostile and is none.

export type Fate =
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'problem'; readonly stages: readonly ('samples' | 'events')[] }
  | { readonly kind: 'passes' };

export interface Hostile {
  readonly title: string;
  readonly body: Uint8Array;
  readonly fate: Fate;
}

type Fields = Readonly<Record<string, unknown>>;

const encoder = new TextEncoder();
const time = '2026-03-02 08:00:37.000000';
const poisonKeys = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', '__defineGetter__'];

export const goodPayload: Fields = {
  instance_id: 'f99766ce-ffd8-5a43-832a-75ebd2ccc615',
  tenant_id: 't1',
  user_id: 'u1',
  host: 'h1',
  display_name: 'kiln',
  instance_type: 'm1.small',
  vcpus: 2,
  memory_mb: 4096,
  disk_gb: 30,
  root_gb: 20,
  ephemeral_gb: 10,
  state: 'active',
  metadata: { 'metering.owner': 'me' },
};

/** Gives five meters and an event with the definitions we ship. */
export const base: Fields = {
  publisher_id: 'compute.h1',
  event_type: 'compute.instance.create.end',
  priority: 'INFO',
  timestamp: time,
  payload: goodPayload,
};

let serial = 0;
const text = (change: Fields = {}) => JSON.stringify({ message_id: `hostile-${serial++}`, ...base, ...change });
const bytes = (value: string) => encoder.encode(value);
/** The base with `"@"` in its payload replaced by a piece of raw JSON. */
const withRaw = (raw: string, where: Fields = { payload: { ...goodPayload, vcpus: '@' } }) =>
  bytes(text(where).replace('"@"', () => raw));
const envelope = (fields: Fields) => bytes(JSON.stringify(fields));
const nested = (levels: number, open = '[', close = ']', inside = '') => open.repeat(levels) + inside + close.repeat(levels);
const jsonText = (value: unknown) => JSON.stringify(value);

const refused = (code: string): Fate => ({ kind: 'refused', code });
const problem = (...stages: ('samples' | 'events')[]): Fate => ({ kind: 'problem', stages });
const passes: Fate = { kind: 'passes' };

const pollingSample: Fields = {
  counter_name: 'cpu',
  counter_type: 'cumulative',
  counter_unit: 'ns',
  counter_volume: 5,
  user_id: 'u1',
  project_id: 't1',
  resource_id: 'r1',
  timestamp: '2026-03-02T08:00:37',
  resource_metadata: {},
  source: 'openstack',
  message_id: 'polled-1',
};
const polling = (...changes: Fields[]) =>
  bytes(
    text({
      event_type: 'telemetry.polling',
      payload: { samples: changes.map((change) => ({ ...pollingSample, message_id: `polled-${serial++}`, ...change })) },
    }),
  );
const ipmi = (payload: unknown) => bytes(text({ event_type: 'hardware.ipmi.metrics.update', payload }));
const ipmiSensor = (sensor: unknown, more: Fields = {}) =>
  ipmi({
    node_uuid: 'n1',
    timestamp: '2026-03-02T08:00:37',
    event_type: 'hardware.ipmi.metrics.update',
    payload: { Temperature: { s: sensor } },
    ...more,
  });
const request = (payload: unknown) => bytes(text({ event_type: 'http.request', payload }));

const notText: Hostile[] = [
  { title: 'an empty body', body: new Uint8Array(), fate: refused('bad_json') },
  { title: 'blanks only', body: bytes(' \n\t '), fate: refused('bad_json') },
  { title: 'a byte that is no UTF-8', body: Uint8Array.of(0x7b, 0xff, 0x7d), fate: refused('bad_utf8') },
  { title: 'half of a character', body: Uint8Array.of(...bytes('{"a":"'), 0xe2, 0x82), fate: refused('bad_utf8') },
  {
    title: 'a surrogate in CESU-8',
    body: Uint8Array.of(...bytes('{"a":"'), 0xed, 0xa0, 0x80, ...bytes('"}')),
    fate: refused('bad_utf8'),
  },
  { title: 'an overlong slash', body: Uint8Array.of(...bytes('{"a":"'), 0xc0, 0xaf, ...bytes('"}')), fate: refused('bad_utf8') },
  { title: 'UTF-16', body: new Uint8Array(Buffer.from(text(), 'utf16le')), fate: refused('bad_json') },
  { title: 'msgpack', body: Uint8Array.of(0x81, 0xa1, 0x61, 0x01), fate: refused('bad_utf8') },
  { title: 'gzip', body: Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0), fate: refused('bad_utf8') },
  { title: 'plain words', body: bytes('hello'), fate: refused('bad_json') },
  { title: 'half an object', body: bytes(text().slice(0, 100)), fate: refused('bad_json') },
  { title: 'two objects', body: bytes(`${text()}${text()}`), fate: refused('bad_json') },
  { title: 'a trailing comma', body: bytes(text().replace(/\}$/, ',}')), fate: refused('bad_json') },
  { title: 'single quotes', body: bytes("{'a': 1}"), fate: refused('bad_json') },
  { title: 'a comment', body: bytes(`/* hi */ ${text()}`), fate: refused('bad_json') },
  { title: 'a raw newline in a text', body: withRaw('"a\nb"'), fate: refused('bad_json') },
  { title: 'a raw NUL in a text', body: withRaw('"a\u0000b"'), fate: refused('bad_json') },
  { title: 'a bad escape', body: withRaw('"\\x41"'), fate: refused('bad_json') },
  ...['null', 'true', '5', '1.5e3', '"text"', '[]', '[{}]'].map((scalar) => ({
    title: `the JSON value ${scalar}`,
    body: bytes(scalar),
    fate: refused('bad_envelope'),
  })),
];

const numbers: Hostile[] = [
  ...['NaN', 'Infinity', '-Infinity', '1e400', '-1e400', `${'9'.repeat(400)}.5`].map((raw) => ({
    title: `the number ${raw.slice(0, 12)}`,
    body: withRaw(raw),
    fate: refused('bad_number'),
  })),
  { title: 'an integer of 100,000 digits', body: withRaw('9'.repeat(100_000)), fate: refused('bad_number') },
  { title: 'an integer of 4,300 digits', body: withRaw('9'.repeat(4300)), fate: passes },
  { title: 'minus zero', body: withRaw('-0.0'), fate: passes },
  { title: 'the smallest number there is', body: withRaw('5e-324'), fate: passes },
  { title: 'an exponent of a hundred digits', body: withRaw(`1e-${'9'.repeat(100)}`), fate: passes },
  ...['+1', '.5', '1.', '01', '0x10', '1_000', '--1', '1e', '١'].map((raw) => ({
    title: `the number ${raw}`,
    body: withRaw(raw),
    fate: refused('bad_json'),
  })),
  // A text that is no number is dropped as a volume, with a count, and cannot be a trait of type int.
  ...['12abc', ' ', `${'1_'.repeat(30_000)}x`, `${'1'.repeat(60_000)}x`].map((vcpus) => ({
    title: `a volume that is the text ${vcpus.slice(0, 12)}${vcpus.slice(-1)}`,
    body: bytes(text({ payload: { ...goodPayload, vcpus } })),
    fate: problem('events'),
  })),
  ...['1e400', 'nan', '-inf', 'Infinity', '1'.repeat(60_000)].map((vcpus) => ({
    title: `a volume that is the text ${vcpus.slice(0, 12)}`,
    body: bytes(text({ payload: { ...goodPayload, vcpus } })),
    fate: problem('samples', 'events'),
  })),
  { title: 'a volume that is an empty text', body: bytes(text({ payload: { ...goodPayload, vcpus: '' } })), fate: passes },
  ...[true, false, null].map((volume) => ({
    title: `a volume that is ${volume}`,
    body: bytes(text({ payload: { ...goodPayload, vcpus: volume } })),
    fate: passes,
  })),
  ...[[], [1], {}, { a: 1 }].map((volume) => ({
    title: `a volume that is ${jsonText(volume)}`,
    body: bytes(text({ payload: { ...goodPayload, vcpus: volume } })),
    fate: problem('samples', 'events'),
  })),
];

const sizes: Hostile[] = [
  ...[33, 1_000, 100_000].map((levels) => ({
    title: `${levels} nested lists`,
    body: withRaw(nested(levels)),
    fate: refused('too_deep'),
  })),
  { title: '100,000 open brackets', body: bytes('['.repeat(100_000)), fate: refused('too_deep') },
  { title: 'a million open brackets', body: bytes('['.repeat(1_000_000)), fate: refused('too_deep') },
  {
    title: '400,000 nested lists inside an envelope',
    body: bytes(`{"oslo.version":"2.0","oslo.message":${nested(400_000)}}`),
    fate: refused('bad_envelope'),
  },
  { title: '1,000 nested objects', body: withRaw(nested(1_000, '{"a":', '}', '1')), fate: refused('too_deep') },
  { title: '30 nested lists', body: withRaw(nested(30), { payload: { ...goodPayload, deep: '@' } }), fate: passes },
  { title: '33 nested lists inside an envelope', body: v2(withRaw(nested(33))), fate: refused('too_deep') },
  {
    title: 'a text of 64 KiB and one',
    body: bytes(text({ payload: { ...goodPayload, long: 'x'.repeat(65_537) } })),
    fate: refused('string_too_long'),
  },
  {
    title: 'a key of 64 KiB and one',
    body: bytes(text({ payload: { ...goodPayload, ['k'.repeat(65_537)]: 1 } })),
    fate: refused('string_too_long'),
  },
  { title: 'a text of 64 KiB', body: bytes(text({ payload: { ...goodPayload, long: 'x'.repeat(65_536) } })), fate: passes },
  {
    title: 'a text of 20 MB',
    body: bytes(text({ payload: { ...goodPayload, long: 'x'.repeat(20_000_000) } })),
    fate: refused('too_large'),
  },
  { title: '1 MiB and one byte', body: bytes(text().padEnd(1_048_577)), fate: refused('too_large') },
  { title: '1 MiB of blanks behind it', body: bytes(text().padEnd(1_048_576)), fate: passes },
  { title: '200,000 keys', body: bytes(text({ payload: manyKeys(100_000) })), fate: passes },
  {
    title: 'an event type of 1 MB',
    body: bytes(text({ event_type: 'e'.repeat(1_000_000) })),
    fate: refused('string_too_long'),
  },
  { title: 'an event type of 64 KiB', body: bytes(text({ event_type: 'compute.'.repeat(8_192) })), fate: passes },
];

function manyKeys(count: number): Fields {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, 1]));
}

function v2(inner: Uint8Array): Uint8Array {
  return envelope({ 'oslo.version': '2.0', 'oslo.message': new TextDecoder().decode(inner) });
}

const envelopes: Hostile[] = [
  { title: 'envelope 3.0', body: envelope({ 'oslo.version': '3.0', 'oslo.message': text() }), fate: refused('bad_envelope') },
  { title: 'envelope version 2', body: envelope({ 'oslo.version': 2, 'oslo.message': text() }), fate: refused('bad_envelope') },
  {
    title: 'an envelope version of 1 MB',
    body: envelope({ 'oslo.version': '2'.repeat(1_000_000), 'oslo.message': '' }),
    fate: refused('bad_envelope'),
  },
  {
    title: 'an envelope around no JSON',
    body: envelope({ 'oslo.version': '2.0', 'oslo.message': 'hello' }),
    fate: refused('bad_json'),
  },
  {
    title: 'an envelope around nothing',
    body: envelope({ 'oslo.version': '2.0', 'oslo.message': '' }),
    fate: refused('bad_json'),
  },
  {
    title: 'an envelope around a number',
    body: envelope({ 'oslo.version': '2.0', 'oslo.message': 5 }),
    fate: refused('bad_envelope'),
  },
  {
    title: 'an envelope around the text of a number',
    body: envelope({ 'oslo.version': '2.0', 'oslo.message': '5' }),
    fate: refused('bad_envelope'),
  },
  { title: 'an envelope around an envelope', body: v2(v2(bytes(text()))), fate: refused('missing_field') },
  { title: 'an envelope without its message', body: envelope({ 'oslo.version': '2.0' }), fate: refused('missing_field') },
  {
    title: 'an envelope with NaN inside',
    body: v2(withRaw('NaN')),
    fate: refused('bad_number'),
  },
  { title: 'an ordinary envelope', body: v2(bytes(text())), fate: passes },
];

const fields: Hostile[] = [
  { title: 'no message id', body: bytes(text({ message_id: undefined })), fate: passes },
  { title: 'an empty message id', body: bytes(text({ message_id: '' })), fate: passes },
  { title: 'a message id that is an object', body: bytes(text({ message_id: { $ne: null } })), fate: passes },
  {
    title: 'a message id with newlines and slashes',
    body: bytes(text({ message_id: `../../etc/passwd\n\r\u0000${serial++}` })),
    fate: passes,
  },
  ...(['event_type', 'timestamp', 'payload', 'priority', 'publisher_id'] as const).map((name) => ({
    title: `no ${name}`,
    body: bytes(text({ [name]: undefined })),
    fate: refused('missing_field'),
  })),
  ...(['event_type', 'timestamp'] as const).flatMap((name) => [
    { title: `${name} null`, body: bytes(text({ [name]: null })), fate: refused('missing_field') },
    ...[5, true, ['a'], { a: 1 }].map((value) => ({
      title: `${name} ${jsonText(value)}`,
      body: bytes(text({ [name]: value })),
      fate: refused('bad_field'),
    })),
  ]),
  { title: 'publisher_id null', body: bytes(text({ publisher_id: null })), fate: passes },
  { title: 'publisher_id 5', body: bytes(text({ publisher_id: 5 })), fate: refused('bad_field') },
  { title: 'priority TRACE', body: bytes(text({ priority: 'TRACE' })), fate: refused('bad_field') },
  { title: 'a priority of 60 KB', body: bytes(text({ priority: 'x'.repeat(60_000) })), fate: refused('bad_field') },
  { title: 'priority 5', body: bytes(text({ priority: 5 })), fate: refused('missing_field') },
  { title: 'priority constructor', body: bytes(text({ priority: 'constructor' })), fate: refused('bad_field') },
  // Nothing is found in these, and nothing is asked of them.
  ...[null, 5, 'text', [1, 2], [[[]]], true].map((payload) => ({
    title: `the payload ${jsonText(payload)}`,
    body: bytes(text({ payload })),
    fate: passes,
  })),
  { title: 'an empty payload', body: bytes(text({ payload: {} })), fate: passes },
  { title: 'a context that is a list', body: bytes(text({ ctxt: [1] })), fate: passes },
  {
    title: 'a context of wrong types',
    body: bytes(text({ ctxt: { request_id: { a: [1] }, user_id: 5, roles: 'x' } })),
    fate: passes,
  },
  {
    title: 'an event type with a newline',
    body: bytes(text({ event_type: 'compute.instance.create.end\ninjected' })),
    fate: passes,
  },
  { title: 'an event type of stars', body: bytes(text({ event_type: '*'.repeat(1_000) })), fate: passes },
  { title: 'the event type __proto__', body: bytes(text({ event_type: '__proto__' })), fate: passes },
  { title: 'an empty event type', body: bytes(text({ event_type: '' })), fate: passes },
];

const times: Hostile[] = [
  { title: 'the year 0001', body: bytes(text({ timestamp: '0001-01-01 00:00:00' })), fate: passes },
  { title: 'the year 9999', body: bytes(text({ timestamp: '9999-12-31T23:59:59.999999' })), fate: passes },
  {
    title: '25 hours ahead',
    body: bytes(text({ timestamp: new Date(Date.now() + 25 * 3_600_000).toISOString() })),
    fate: passes,
  },
  {
    title: 'a time before the year 1 by its offset',
    body: bytes(text({ timestamp: '0001-01-01T00:00:00+23:59' })),
    fate: problem('samples', 'events'),
  },
  {
    title: 'a time after the year 9999 by its offset',
    body: bytes(text({ timestamp: '9999-12-31T23:59:59-23:59' })),
    fate: problem('samples', 'events'),
  },
  ...[
    '',
    'never',
    '0000-01-01 00:00:00',
    '2026-02-30 00:00:00',
    '2026-01-01T25:00:00',
    '10000-01-01',
    '1709528767',
    '2026-01-01T00:00:00+99:00',
  ].map((timestamp) => ({
    title: `the time ${jsonText(timestamp)}`,
    body: bytes(text({ timestamp })),
    fate: problem('samples', 'events'),
  })),
  { title: 'a time of 60,000 digits', body: bytes(text({ timestamp: '1'.repeat(60_000) })), fate: problem('samples', 'events') },
  {
    title: 'a fraction of 60,000 digits',
    body: bytes(text({ timestamp: `2026-01-01T00:00:00.${'1'.repeat(60_000)}` })),
    fate: passes,
  },
];

const characters: Hostile[] = [
  {
    title: 'a lone high surrogate',
    body: withRaw('"\\ud800"', { payload: { ...goodPayload, display_name: '@' } }),
    fate: passes,
  },
  {
    title: 'a lone low surrogate as resource',
    body: withRaw('"\\udc00x"', { payload: { ...goodPayload, instance_id: '@' } }),
    fate: passes,
  },
  { title: 'a lone surrogate as key', body: bytes(text().replace('"host"', '"\\ud83d"')), fate: passes },
  { title: 'NUL', body: withRaw('"a\\u0000b"', { payload: { ...goodPayload, instance_id: '@' } }), fate: passes },
  {
    title: 'terminal escapes',
    body: bytes(
      text({ payload: { ...goodPayload, display_name: '\u001b]0;pwned\u0007\u001b[2J\u009b31m', instance_id: '\u001b[2J' } }),
    ),
    fate: passes,
  },
  {
    title: 'line separators',
    body: bytes(text({ payload: { ...goodPayload, display_name: 'a\u2028b\u2029c\u0085d\r\n' } })),
    fate: passes,
  },
  {
    title: 'right to left marks and no characters',
    body: bytes(text({ publisher_id: '\u202e\ufeff\uffff\ufdd0' })),
    fate: passes,
  },
  { title: 'a byte order mark before it', body: bytes(`\ufeff${text()}`), fate: passes },
  { title: 'the same key twice', body: bytes(text().replace('"payload"', '"payload":5,"payload"')), fate: passes },
  {
    title: 'the same key twice, spelled with an escape',
    body: bytes(text().replace('"payload"', '"p\\u0061yload":5,"payload"')),
    fate: passes,
  },
];

const polluted = '{"polluted":true}';

function keysAt(key: string): Hostile[] {
  const entry = `"${key}":${polluted}`;
  const into = (name: string, value: string) => text().replace(`"${name}":{`, `"${name}":{${value},`);
  const metadata = (value: string) =>
    new TextDecoder()
      .decode(polling({}))
      .replace('"resource_metadata":{}', `"resource_metadata":{${value},"user_metadata":{${value}}}`);
  return [
    { title: `${key} beside the payload`, body: bytes(text().replace(/^\{/, `{${entry},`)), fate: passes },
    { title: `${key} in the payload`, body: bytes(into('payload', entry)), fate: passes },
    { title: `${key} in the metadata`, body: bytes(into('metadata', entry)), fate: passes },
    { title: `metering.${key} in the metadata`, body: bytes(into('metadata', `"metering.${key}":${polluted}`)), fate: passes },
    {
      title: `${key} in the context`,
      body: bytes(text().replace(/^\{/, `{"_context_${key}":${polluted},"ctxt":{${entry}},`)),
      fate: passes,
    },
    {
      title: `${key} as a context key of v1`,
      body: bytes(text().replace(/^\{/, `{"_context_${key}":${polluted},`)),
      fate: passes,
    },
    { title: `${key} in the metadata of a polled sample`, body: bytes(metadata(entry)), fate: passes },
    {
      title: `${key} as an instance`,
      body: bytes(text({ payload: { ...goodPayload, instance_id: key, tenant_id: key, state: key } })),
      fate: passes,
    },
    {
      title: `${key} as a meter`,
      body: polling({ counter_name: key, counter_unit: key, resource_id: key, source: key }),
      fate: passes,
    },
    {
      title: `${key} as a sensor`,
      body: bytes(
        new TextDecoder().decode(ipmiSensor({})).replace('"s":{}', `"${key}":{"Sensor ID":"${key}","Sensor Reading":"5 ${key}"}`),
      ),
      fate: passes,
    },
  ];
}

const endpoints: Hostile[] = [
  {
    title: '10,001 polled samples',
    body: polling(
      ...Array.from({ length: 10_001 }, () => ({
        resource_metadata: null,
        user_id: null,
        project_id: null,
        message_id: 'm',
        timestamp: '',
      })),
    ),
    fate: refused('too_large'),
  },
  ...[
    null,
    5,
    {},
    { samples: null },
    { samples: 5 },
    { samples: { a: 1 } },
    { samples: 'text' },
    { samples: [null] },
    { samples: [[]] },
    { samples: [{}] },
  ].map((payload) => ({
    title: `telemetry.polling with ${jsonText(payload)}`,
    body: bytes(text({ event_type: 'telemetry.polling', payload })),
    fate: problem('samples'),
  })),
  ...Object.keys(pollingSample)
    .filter((name) => name !== 'message_id')
    .map((name) => ({
      title: `a polled sample without ${name}`,
      body: polling({}, { [name]: undefined }),
      fate: problem('samples'),
    })),
  {
    title: 'a polled sample whose type is a huge integer',
    body: bytes(new TextDecoder().decode(polling({ counter_type: '@' })).replace('"@"', '9'.repeat(30))),
    fate: problem('samples'),
  },
  ...[5, null, {}, [], '', 'sometimes', '__proto__'].map((type) => ({
    title: `a polled sample of type ${jsonText(type)}`,
    body: polling({ counter_type: type }),
    fate: problem('samples'),
  })),
  ...[5, null, {}, []].map((name) => ({
    title: `a polled sample called ${jsonText(name)}`,
    body: polling({ counter_name: name }),
    fate: problem('samples'),
  })),
  ...[[], {}].map((volume) => ({
    title: `a polled volume ${jsonText(volume)}`,
    body: polling({ counter_volume: volume }),
    fate: problem('samples'),
  })),
  ...[null, '12abc', true].map((volume) => ({
    title: `a polled volume ${jsonText(volume)}`,
    body: polling({ counter_volume: volume }),
    fate: passes,
  })),
  { title: 'a polled sample about nothing', body: polling({ resource_id: null }), fate: problem('samples') },
  ...[5, true, { a: 1 }, [1]].map((value) => ({
    title: `a polled sample with ${jsonText(value)} for texts`,
    body: polling({
      counter_unit: value,
      user_id: value,
      project_id: value,
      resource_id: value,
      source: value,
      user_name: value,
      project_name: value,
    }),
    fate: passes,
  })),
  ...[5, null, {}, 'never', ''].map((timestamp) => ({
    title: `a polled sample at ${jsonText(timestamp)}`,
    body: polling({ timestamp }),
    fate: problem('samples'),
  })),
  ...['text', 5, [1]].map((metadata) => ({
    title: `polled metadata ${jsonText(metadata)}`,
    body: polling({ resource_metadata: metadata }),
    fate: problem('samples'),
  })),
  ...[null, 5, [], { payload: null }, { payload: 5 }, { payload: { Temperature: 5 } }, { payload: { Temperature: [1] } }].map(
    (payload) => ({
      title: `hardware.ipmi with ${jsonText(payload)}`,
      body: ipmi(payload),
      fate: problem('samples'),
    }),
  ),
  { title: 'hardware.ipmi with {}', body: ipmi({}), fate: passes },
  { title: 'hardware.ipmi with an empty payload', body: ipmi({ payload: {} }), fate: passes },
  ...[null, 5, [], 'text'].map((sensor) => ({
    title: `the sensor ${jsonText(sensor)}`,
    body: ipmiSensor(sensor),
    fate: problem('samples'),
  })),
  ...['inf Volts', '1e999 Volts', 'nan C'].map((reading) => ({
    title: `the reading ${reading}`,
    body: ipmiSensor({ 'Sensor ID': 'a', 'Sensor Reading': reading }),
    fate: problem('samples'),
  })),
  ...['Disabled', 'text C', '5', '', ' ', `${'1'.repeat(60_000)}x C`].map((reading) => ({
    title: `the reading ${reading.slice(0, 12)}`,
    body: ipmiSensor({ 'Sensor ID': 'a', 'Sensor Reading': reading }),
    fate: passes,
  })),
  ...[5, null, {}].flatMap((value) => [
    {
      title: `the sensor id ${jsonText(value)}`,
      body: ipmiSensor({ 'Sensor ID': value, 'Sensor Reading': '5 C' }),
      fate: problem('samples'),
    },
    {
      title: `the reading ${jsonText(value)}`,
      body: ipmiSensor({ 'Sensor ID': 'a', 'Sensor Reading': value }),
      fate: problem('samples'),
    },
  ]),
  {
    title: 'a sensor of a node that is a list',
    body: ipmiSensor({ 'Sensor ID': 'a', 'Sensor Reading': '5 C' }, { node_uuid: [1] }),
    fate: passes,
  },
  {
    title: 'a sensor at no time',
    body: ipmiSensor({ 'Sensor ID': 'a', 'Sensor Reading': '5 C' }, { timestamp: '' }),
    fate: problem('samples'),
  },
  ...[null, 5, {}, [], { request: null }, { request: [] }, { request: 'x' }].map((payload) => ({
    title: `http.request with ${jsonText(payload)}`,
    body: request(payload),
    fate: problem('samples'),
  })),
  { title: 'http.request about nothing', body: request({ request: {} }), fate: problem('samples') },
  {
    title: 'http.request with objects for texts',
    body: request({ request: { HTTP_X_SERVICE_NAME: { a: 1 }, HTTP_X_USER_ID: [1], HTTP_X_PROJECT_ID: true } }),
    fate: passes,
  },
];

export const hostile: readonly Hostile[] = [
  ...notText,
  ...numbers,
  ...sizes,
  ...envelopes,
  ...fields,
  ...times,
  ...characters,
  ...poisonKeys.flatMap(keysAt),
  ...endpoints,
];

/** A notification whose samples all carry its payload. */
export const repeating = (count: number, padding: string) =>
  bytes(
    text({
      event_type: 'magnum.bay.metrics.update',
      payload: {
        metrics: Array.from({ length: count }, (_, i) => ({ name: `m${i}`, unit: 'u', value: i })),
        resource_id: 'r',
        padding,
      },
    }),
  );

/** Small notifications that ask for much. */
export const excessive: readonly { readonly title: string; readonly body: Uint8Array; readonly reason: string }[] = [
  { title: '10,001 samples', body: repeating(10_001, ''), reason: 'too_many_samples' },
  { title: 'samples a thousand times its size', body: repeating(1_000, 'x'.repeat(60_000)), reason: 'too_large_output' },
];
