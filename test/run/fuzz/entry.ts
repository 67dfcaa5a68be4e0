import { isDeepStrictEqual } from 'node:util';
import fc, { type Arbitrary } from 'fast-check';
import { Partition } from '../../../src/core/partition/partition.ts';
import { createChain } from '../../../src/core/transformers/chain.ts';
import { type Entry, parseEntry, printEntry } from '../../../src/model/entry.ts';
import type { Item } from '../../../src/model/item.ts';
import { mutated, replaced } from './mutation.ts';
import { refusable, type Target, unpolluted } from './target.ts';

const time = fc.integer({ min: 0, max: 2 ** 41 });
const count = fc.integer({ min: 1, max: 2 ** 40 });
const word = fc.string({ maxLength: 6 });
const item: Arbitrary<Item> = fc
  .record({
    id: word,
    name: word,
    volume: fc.integer(),
    resource_id: word,
    timestamp: fc.constantFrom('2026-01-01T00:00:00', 'never'),
  })
  .map(
    (fields) =>
      ({
        source: 's',
        type: 'gauge',
        unit: 'u',
        user_id: null,
        user_name: null,
        project_id: null,
        project_name: null,
        resource_metadata: {},
        monotonic_time: null,
        ...fields,
      }) as Item,
  );
const entries: Arbitrary<Entry> = fc.oneof(
  fc.record({
    kind: fc.constant('data' as const),
    listener: word,
    seq: fc.oneof(fc.constant(1), count),
    at: time,
    proven: count,
    notifications: fc.array(fc.record({ id: word, items: fc.array(item, { maxLength: 3 }) }), { maxLength: 3 }),
    canaries: fc.array(fc.tuple(word, time), { maxLength: 2 }),
  }),
  fc.record({ kind: fc.constant('tick' as const), incarnation: count, epoch: count, n: count, at: time }),
  fc.record({ kind: fc.constant('config' as const), hash: word, inputs: fc.array(word, { maxLength: 3 }), at: time }),
  fc.record({
    kind: fc.constant('genesis' as const),
    cluster: word,
    sink: word,
    generation: count,
    partition: fc.nat(),
    uuid: word,
  }),
);
const odd = ['null', '5', '-1', '1.5', '1.0', '"x"', '[]', '[[]]', '[null]', '{}', '[{}]', 'true', '99999999999999999999'];
const pieces = [
  'null',
  '5',
  '-1',
  '1.5',
  '1.0',
  '"x"',
  '[]',
  '{}',
  'true',
  '99999999999999999999',
  '"k":"tick"',
  '"v":2',
  '"__proto__":',
  ...'{}[],:"'.split(''),
];

const printed = entries.map(printEntry);
const changes = fc.oneof(mutated(printed, pieces), replaced(printed, odd));

export const entry: Target = {
  id: 'entry',
  about: 'an entry of an internal topic reads back as it was, and a changed one is poison or can be applied',
  property: fc.property(entries, changes, (whole, changed) => {
    if (!isDeepStrictEqual(plain(parseEntry(printEntry(whole))), plain(whole))) throw new Error('another entry');
    const read = refusable(() => parseEntry(changed), 'poison');
    if (read !== null) {
      const partition = new Partition(createChain({ cluster: 'c', sink: 's', steps: [] }));
      partition.apply(read, 1, 'f');
      partition.takeChange(16);
    }
    return unpolluted();
  }),
};

/** fast-check's records have no prototype. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
