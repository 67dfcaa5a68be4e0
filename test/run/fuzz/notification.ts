import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc, { type Arbitrary } from 'fast-check';
import { readDefinitions } from '../../../src/config/definitions.ts';
import { createConverter } from '../../../src/core/convert/converter.ts';
import { decodeNotification } from '../../../src/core/convert/envelope.ts';
import { parseItemLine, toItemLine } from '../../../src/core/convert/wire.ts';
import { mutated, replaced } from './mutation.ts';
import { refusable, type Target, unpolluted } from './target.ts';

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const definitions = file('../../../pipelines/definitions/');
const shipped = await readDefinitions({ meters: [`${definitions}meters`], events: [`${definitions}events`] });
const native = createConverter(shipped);
const compat = createConverter({ ...shipped, options: { compat: true } });
const golden = readFileSync(file('../../golden/notifications.jsonl'), 'utf8').trimEnd().split('\n');

/** What the recorded day has none of: the built-in endpoints read these without a definition. */
const seeds = (
  [
    [
      'telemetry.polling',
      {
        samples: [1, 2].map((volume) => ({
          counter_name: 'cpu',
          counter_type: 'cumulative',
          counter_unit: 'ns',
          counter_volume: volume,
          user_id: 'u',
          project_id: 'p',
          resource_id: 'r',
          timestamp: '2026-03-02T08:00:37',
          resource_metadata: { cpu_number: 2 },
          source: 'openstack',
          message_id: `polled-${volume}`,
        })),
      },
    ],
    [
      'hardware.ipmi.metrics.update',
      {
        node_uuid: 'n',
        timestamp: '2026-03-02T08:00:37',
        event_type: 'hardware.ipmi.metrics.update',
        payload: {
          Temperature: { a: { 'Sensor ID': 'a', 'Sensor Reading': '5 C' } },
          Fan: { b: { 'Sensor ID': 'b', 'Sensor Reading': '5 RPM' } },
        },
      },
    ],
    ['http.request', { request: { HTTP_X_SERVICE_NAME: 's', HTTP_X_USER_ID: 'u', HTTP_X_PROJECT_ID: 'p' } }],
    ['magnum.bay.metrics', { metrics: [{ name: 'm', unit: 'u', value: 1 }], resource_id: 'r', user_id: 'u', project_id: 'p' }],
  ] as const
).map(([event_type, payload]) =>
  JSON.stringify({ message_id: 'm', publisher_id: 'p', event_type, priority: 'INFO', timestamp: '2026-03-02 08:00:37', payload }),
);
const known = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...golden) }, { weight: 1, arbitrary: fc.constantFrom(...seeds) });

const odd = [
  '99999999999999999999999',
  'null',
  '5',
  '-1e400',
  'NaN',
  '"x"',
  '[]',
  '{}',
  'true',
  '1e999',
  '""',
  '"inf"',
  `"${'1'.repeat(5_000)}x"`,
];
const pieces = [
  ...odd,
  ...'{}[],:"\\'.split(''),
  '"__proto__":',
  '"constructor":{"prototype":{"polluted":1}},',
  '\\ud800',
  '\u0000',
];

const changed = replaced(known, odd);
const broken = mutated(known, pieces);
const enveloped = (text: string) => JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': text });
const bytes: Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: changed.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: broken.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: changed.map((text) => Buffer.from(enveloped(text))) },
  { weight: 1, arbitrary: mutated(known.map(enveloped), pieces).map((text) => Buffer.from(text)) },
  {
    weight: 1,
    arbitrary: fc.tuple(known, fc.nat(), fc.nat({ max: 255 })).map(([line, at, byte]) => {
      const body = Buffer.from(line);
      body[at % body.length] = byte;
      return body;
    }),
  },
);

export const notification: Target = {
  id: 'notification',
  about: 'changed notifications are poison, problems, or items that can be written and read back',
  property: fc.property(bytes, (body) => {
    const decoded = refusable(() => decodeNotification(body), 'poison');
    if (decoded === null) return unpolluted();
    compat.convert(decoded);
    const { samples, events } = native.convert(decoded);
    for (const item of [...samples, ...events]) {
      const line = toItemLine(item);
      if (toItemLine(parseItemLine(line)) !== line) throw new Error(`it comes back as something else: ${line}`);
    }
    return unpolluted();
  }),
};
