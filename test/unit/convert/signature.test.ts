import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signatureText } from '../../../src/core/convert/signature.ts';
import { toEventMessage, toMeteringMessage } from '../../../src/core/convert/wire.ts';
import { createSigner } from '../../../src/lib/hmac.ts';
import type { Event } from '../../../src/model/event.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { parseJson } from '../../../src/model/json-text.ts';
import type { Sample } from '../../../src/model/sample.ts';

const message = (volume: string) =>
  parseJson(`{"source": "openstack", "counter_name": "cpu", "counter_type": "cumulative", "counter_unit": "ns",
    "counter_volume": ${volume}, "user_id": null, "user_name": null, "project_id": "p", "project_name": null, "resource_id": "r",
    "timestamp": "2020-01-01T00:00:00+00:00", "resource_metadata": {"a": {"z": 1, "b": true}, "l": ["x", 2, {"k": "v"}], "e": {}, "u": "é"},
    "message_id": "m1", "monotonic_time": null}`) as JsonObject;

describe('a signature', () => {
  it.each([
    ['1.0', 'c586e89d70680193f93924f0028eee42c3dfd6bb3ded7303fff96756f7a0f793'],
    ['1', '21ae94620969aa80355b16d13605d589e608d39cdc47a37d15ab43b86c456750'],
  ])('of a volume of %s is the one Ceilometer computes', (volume, expected) => {
    const sign = createSigner('secret');

    expect(sign(signatureText(message(volume)))).toBe(expected);
    expect(sign(signatureText({ ...message(volume), message_signature: 'old' }))).toBe(expected);
  });

  it('stands in the messages of samples and events', () => {
    const fields = message('1.0');
    const sample: Sample = {
      id: 'm1',
      source: 'openstack',
      name: 'cpu',
      type: 'cumulative',
      unit: 'ns',
      volume: fields['counter_volume'] ?? null,
      user_id: null,
      user_name: null,
      project_id: 'p',
      project_name: null,
      resource_id: 'r',
      timestamp: '2020-01-01T00:00:00+00:00',
      resource_metadata: fields['resource_metadata'] as JsonObject,
      monotonic_time: null,
    };
    const event: Event = {
      message_id: 'm',
      event_type: 'e',
      generated: '2020-01-01T00:00:00',
      traits: [
        ['t', 1, "it's"],
        ['é"\'', 4, '2020-01-01T00:00:00'],
        ['t', 2, 3],
      ],
      raw: {},
    };
    const sign = createSigner('secret');

    const signedSample = parseJson(toMeteringMessage(sample, sign)) as JsonObject;
    const signedHost = parseJson(toMeteringMessage(sample, sign, 'h')) as JsonObject;
    const signedEvent = parseJson(toEventMessage(event, sign)) as JsonObject;

    expect(signedSample['message_signature']).toBe('c586e89d70680193f93924f0028eee42c3dfd6bb3ded7303fff96756f7a0f793');
    for (const signed of [signedSample, signedHost, signedEvent])
      expect(signed['message_signature']).toBe(sign(signatureText(signed)));
    const none = createSigner('');
    expect(parseJson(toMeteringMessage(sample, none))).toEqual({ ...signedSample, message_signature: '' });
    expect(parseJson(toEventMessage(event, none))).toEqual({ ...signedEvent, message_signature: '' });
  });

  it('takes names in the order of their code points, as Python does', () => {
    expect(signatureText({ '\u{10000}': 1, '\uff5e': 2, z: 3, a: 4 })).toBe('a4z3\uff5e2\u{10000}1');
  });

  it('writes texts in lists as bytes', () => {
    expect(signatureText({ l: ['x', 2, { k: 'é' }, null, "it's", [1.5]] })).toBe(
      `l[b'x', 2, {b'k': b'\\xc3\\xa9'}, None, b"it's", [1.5]]`,
    );
  });

  it('is empty for an empty secret', () => {
    expect(createSigner('')('x')).toBe('');
  });

  it('is HMAC-SHA256 for every secret and text', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: 'grapheme', maxLength: 100 }),
        fc.array(fc.string({ unit: 'grapheme', maxLength: 3000 })),
        (secret, texts) => {
          const sign = createSigner(secret);
          for (const text of texts) expect(sign(text)).toBe(createHmac('sha256', secret).update(text).digest('hex'));
        },
      ),
    );
  });
});
