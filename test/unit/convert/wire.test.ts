import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { itemLines, parseItemLine, parseItemLines, toItemLine, toMeteringMessage } from '../../../src/core/convert/wire.ts';
import type { Event } from '../../../src/model/event.ts';
import { Float, type JsonObject, toFloat, toInt } from '../../../src/model/json.ts';
import type { Sample } from '../../../src/model/sample.ts';
import { sampleWith } from '../../sample.ts';

const text = fc.string({ unit: 'binary', maxLength: 12 });
const maybe = fc.option(text);
const number = fc.oneof(
  fc.integer(),
  fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map(toInt),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .filter((value) => !Object.is(value, -0))
    .map(toFloat),
);
const metadata = fc
  .dictionary(text, fc.oneof(text, number, fc.constant(null), fc.array(number, { maxLength: 3 })))
  .map((entries) => ({ ...entries }) as JsonObject);
const sample: fc.Arbitrary<Sample> = fc.record(
  {
    id: text,
    source: text,
    name: text,
    type: fc.constantFrom('gauge', 'delta', 'cumulative'),
    unit: text,
    volume: fc.oneof(number, text),
    user_id: maybe,
    user_name: maybe,
    project_id: maybe,
    project_name: maybe,
    resource_id: text,
    timestamp: text,
    resource_metadata: metadata,
    monotonic_time: fc.option(number),
  },
  { noNullPrototype: true },
);
const event: fc.Arbitrary<Event> = fc.record(
  {
    message_id: text,
    event_type: text,
    generated: text,
    traits: fc.array(fc.tuple(text, fc.constantFrom(0, 1, 2, 3, 4), fc.oneof(text, number)), { maxLength: 4 }),
    raw: metadata,
  },
  { noNullPrototype: true },
);

describe('item lines', () => {
  it('are read back as the same items', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(sample, event), { maxLength: 5 }), (items) => {
        const lines = itemLines(items);
        expect(parseItemLines(lines)).toStrictEqual(items);
        expect(lines.split('\n')).toHaveLength(items.length + 1);
      }),
      { numRuns: 300 },
    );
  });

  it('say null, or nothing of it, where an own transformer left a field out', () => {
    const whole = sampleWith({ id: 's' });
    const { user_name, project_id, ...lacking } = whole;
    const bare = { message_id: 'm', event_type: 'e', generated: 'g' };

    expect([user_name, project_id]).toEqual([null, null]);
    expect(parseItemLine(toItemLine(lacking as unknown as Sample))).toEqual(whole);
    expect(parseItemLine(toItemLine(bare as unknown as Event))).toEqual({ ...bare, traits: [], raw: {} });
  });

  it('and metering messages say the same', () => {
    fc.assert(
      fc.property(sample, (item) => {
        expect(parseItemLine(toMeteringMessage(item, () => 'signature', 'host'))).toStrictEqual(item);
      }),
      { numRuns: 200 },
    );
  });

  it('accept traits as the file publisher writes them', () => {
    const line =
      '{"message_id":"m","event_type":"e","generated":"2020-01-01T00:00:00","traits":[{"name":"n","dtype":2,"value":3}],"raw":{}}';

    expect((parseItemLine(line) as Event).traits).toEqual([['n', 2, 3]]);
  });

  it.each([
    ['no JSON', 'x', 'bad_json'],
    ['a list', '[]', 'bad_item'],
    ['no name', '{"type":"gauge"}', 'bad_item'],
    ['an unknown type', '{"id":"i","name":"n","type":"x","volume":1,"timestamp":"t"}', 'bad_item'],
    ['no volume', '{"id":"i","name":"n","type":"gauge","timestamp":"t"}', 'bad_item'],
    ['a bad trait', '{"message_id":"m","event_type":"e","generated":"g","traits":[["n",9,1]]}', 'bad_item'],
  ])('are refused for %s', (_, line, code) => {
    expect(() => parseItemLine(line)).toThrow(expect.objectContaining({ class: 'poison', code }));
  });

  it('cannot hold what is not finite', () => {
    const [item] = fc.sample(sample, 1) as [Sample];

    expect(() => toItemLine({ ...item, volume: new Float(Number.POSITIVE_INFINITY) })).toThrow(
      expect.objectContaining({ code: 'bad_number' }),
    );
  });
});
