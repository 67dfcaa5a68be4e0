import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toOsloNotification } from '../../../src/publishers/amqp/notification.ts';

const id = '0e0cbb7f-1111-8222-a333-444444444444';
const made = (payload: readonly (string | Uint8Array)[]) =>
  toOsloNotification({ id, publisherId: 'a "host"', eventType: 'metering', payload, now: 0 }).toString();
const inner = (text: string) => (JSON.parse(text) as { 'oslo.message': string })['oslo.message'];

describe('the oslo notification that a batch becomes', () => {
  it('is what JSON.stringify makes of its message, byte for byte', () => {
    const line = '{"counter_name":"a\\"b\\\\c","resource_metadata":{"u":"é 漢 \\u0001 \\ud800"}}';

    const text = made([`${line}\n`, Buffer.from(`{}\n${line}\n`)]);

    const message =
      `{"message_id":"${id}","publisher_id":"a \\"host\\"","event_type":"metering","priority":"SAMPLE","payload":[${line},{},${line}],` +
      `"timestamp":"1970-01-01 00:00:00.000000","_unique_id":"${id.replaceAll('-', '')}"}`;
    expect(text).toBe(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': message }));
  });

  it('holds every message that JSON can say, in pieces of any length', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.jsonValue(), { minLength: 1 }), { minLength: 1 }), fc.boolean(), (pieces, asBytes) => {
        const texts = pieces.map((values) => values.map((value) => `${JSON.stringify(value)}\n`).join(''));

        const text = made(asBytes ? texts.map((one) => Buffer.from(one)) : texts);

        expect(JSON.parse(inner(text))).toMatchObject({ payload: JSON.parse(JSON.stringify(pieces.flat())) });
      }),
    );
  });
});
