import { describe, expect, it } from 'vitest';
import { decodeNotification } from '../../../src/core/convert/envelope.ts';
import { parseJson } from '../../../src/model/json-text.ts';

const encoder = new TextEncoder();
const inner = {
  message_id: 'm1',
  publisher_id: 'compute.h1',
  event_type: 'compute.instance.create.end',
  priority: 'INFO',
  payload: { vcpus: 2 },
  timestamp: '2024-03-04 05:06:07.123456',
  _unique_id: 'u',
  _context_request_id: 'req-1',
  _context_roles: ['member'],
};
const v1 = encoder.encode(JSON.stringify(inner));
const v2 = encoder.encode(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(inner) }));
const { _context_request_id, _context_roles, _unique_id, ...fields } = inner;
const plain = encoder.encode(JSON.stringify({ ...fields, priority: 'info', ctxt: { request_id: 'req-1', roles: ['member'] } }));

describe('a raw message', () => {
  it('is the same notification in all three forms', () => {
    const expected = {
      message_id: 'm1',
      publisher_id: 'compute.h1',
      event_type: 'compute.instance.create.end',
      priority: 'info',
      payload: { vcpus: 2 },
      timestamp: '2024-03-04 05:06:07.123456',
      ctxt: { request_id: 'req-1', roles: ['member'] },
    };

    for (const body of [v1, v2, plain]) expect(decodeNotification(body)).toEqual(expected);
  });

  it('keeps every digit inside an oslo envelope', () => {
    const message = JSON.stringify(inner).replace('"vcpus":2', '"vcpus":12345678901234567890,"f":1.0');
    const body = encoder.encode(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': message }));

    expect(decodeNotification(body).payload).toStrictEqual(parseJson('{"vcpus":12345678901234567890,"f":1.0}'));
  });

  it('takes the priority of its queue when it has none', () => {
    const body = encoder.encode(JSON.stringify({ ...inner, priority: undefined }));

    expect(decodeNotification(body, 'sample').priority).toBe('sample');
    expect(() => decodeNotification(body)).toThrow(expect.objectContaining({ code: 'missing_field' }));
  });

  it('without an id gets one that depends on its content only', () => {
    const make = (payload: string) =>
      decodeNotification(
        encoder.encode(`{"publisher_id":"p","event_type":"e","priority":"info","timestamp":"2024","payload":${payload}}`),
      );

    expect(make('{"a":1,"b":2}').message_id).toBe(make('{"b":2,"a":1}').message_id);
    expect(make('{"a":1}').message_id).not.toBe(make('{"a":1.0}').message_id);
    expect(make('{"a":1}').message_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('keeps a context called __proto__ an ordinary key', () => {
    const body = encoder.encode(JSON.stringify(inner).replace('_context_request_id', '_context___proto__'));
    const { ctxt } = decodeNotification(body);

    expect(Object.hasOwn(ctxt, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(ctxt)).toBe(Object.prototype);
  });

  const changed = (change: object) => encoder.encode(JSON.stringify({ ...inner, ...change }));
  it.each<[string, Uint8Array, string]>([
    ['more than 1 MiB', new Uint8Array((1 << 20) + 1), 'too_large'],
    ['bad UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'bad_utf8'],
    ['half an object', encoder.encode('{"event_type": "x"'), 'bad_json'],
    ['NaN', encoder.encode('{"payload": NaN}'), 'bad_number'],
    ['a list', encoder.encode('[]'), 'bad_envelope'],
    ['envelope 3.0', encoder.encode('{"oslo.version": "3.0", "oslo.message": "{}"}'), 'bad_envelope'],
    ['an envelope around an object', encoder.encode('{"oslo.version": "2.0", "oslo.message": {}}'), 'bad_envelope'],
    ['no payload', changed({ payload: undefined }), 'missing_field'],
    ['no event type', changed({ event_type: null }), 'missing_field'],
    ['a number as timestamp', changed({ timestamp: 5 }), 'bad_field'],
    ['an unknown priority', changed({ priority: 'TRACE' }), 'bad_field'],
    ['33 levels', changed({ payload: JSON.parse(`${'['.repeat(32)}${']'.repeat(32)}`) }), 'too_deep'],
    ['a text above 64 KiB', changed({ payload: 'x'.repeat((1 << 16) + 1) }), 'string_too_long'],
  ])('is refused for %s', (_, body, code) => {
    expect(() => decodeNotification(body)).toThrow(expect.objectContaining({ class: 'poison', code }));
  });
});
