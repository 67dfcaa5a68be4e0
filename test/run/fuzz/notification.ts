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

const odd = ['null', '5', '-1e400', 'NaN', '"x"', '[]', '{}', 'true', '1e999', '""', '"inf"', `"${'1'.repeat(5_000)}x"`];
const pieces = [
  ...odd,
  ...'{}[],:"\\'.split(''),
  '"__proto__":',
  '"constructor":{"prototype":{"polluted":1}},',
  '\\ud800',
  '\u0000',
];

const changed = replaced(fc.constantFrom(...golden), odd);
const broken = mutated(fc.constantFrom(...golden), pieces);
const enveloped = (text: string) => JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': text });
const bytes: Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: changed.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: broken.map((text) => Buffer.from(text)) },
  { weight: 2, arbitrary: changed.map((text) => Buffer.from(enveloped(text))) },
  { weight: 1, arbitrary: mutated(fc.constantFrom(...golden.map(enveloped)), pieces).map((text) => Buffer.from(text)) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...golden), fc.nat(), fc.nat({ max: 255 })).map(([line, at, byte]) => {
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
