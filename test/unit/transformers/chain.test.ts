import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Chain, createChain } from '../../../src/core/transformers/chain.ts';
import { exampleItem } from '../../../src/core/transformers/examples.ts';
import { splitParts } from '../../../src/core/transformers/key-text.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer, Time } from '../../../src/core/transformers/transformer.ts';
import type { Item } from '../../../src/model/item.ts';
import type { Json } from '../../../src/model/json.ts';
import type { Sample } from '../../../src/model/sample.ts';
import { canonicalParts } from '../../../src/model/stable-hash.ts';

const start = Date.UTC(2024, 2, 4, 5);

function step(name: string, parameters: unknown) {
  const transformer = transformers[name] as AnyTransformer;
  return { transformer, parameters: transformer.Parameters.parse(parameters) };
}

function at(seconds: number, given: Readonly<Record<string, Json>> = {}): Sample {
  const timestamp = new Date(start + seconds * 1_000).toISOString().slice(0, 19);
  return exampleItem({ id: `at-${seconds}`, timestamp, volume: seconds, ...given }) as Sample;
}

function time(seconds: number, partition = seconds): Time {
  return { partition: partition * 1_000, watermark: start + seconds * 1_000, now: start + seconds * 1_000 };
}

/** As the worker does: items, then the time that includes them. */
function feed(chain: Chain, seconds: number, ...items: Item[]): readonly Item[] {
  const first = chain.applyNotification(
    `n${seconds}-${items.map((item) => (item as Sample).id).join()}`,
    items,
    time(seconds),
  ).out;
  return [...first, ...chain.advance(time(seconds)).out];
}

const volumes = (items: readonly Item[]) => items.map((item) => (item as Sample).volume);

describe('the chain', () => {
  it('loses one failing item alone and says why', () => {
    const chain = createChain({
      cluster: 'c',
      sink: 's',
      steps: [step('unit_conversion', { target: { scale: '10 / volume' } })],
    });

    const { out, letters } = chain.applyNotification('n', [at(0), at(5)], time(5));

    expect(volumes(out)).toEqual([expect.objectContaining({ value: 2 })]);
    expect(letters).toEqual([
      { reason: 'transformer_error', message: expect.stringContaining('ZeroDivisionError'), item: at(0), asItCame: true },
    ]);
  });

  it('keeps the id of what it did not change, and gives the rest ids of sink, step and input', () => {
    const chainOf = (sink: string) =>
      createChain({ cluster: 'c', sink, steps: [step('unit_conversion', { source: { unit: 'B' }, target: { unit: 'KB' } })] });
    const ids = (sink: string) =>
      chainOf(sink)
        .applyNotification('n', [at(1), at(2, { unit: 'other' })], time(2))
        .out.map((item) => (item as Sample).id);

    expect(ids('one')).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), 'at-2']);
    expect(ids('one')[0]).not.toBe(ids('two')[0]);
  });

  it('writes only what changed, under the step and the key', () => {
    const chain = createChain({ cluster: 'c', sink: 's', steps: [step('rate_of_change', {})] });
    feed(chain, 1, at(1));

    expect(chain.takeDirty()).toEqual({ set: [['0/rate_of_change/7:meterr1', '[0,[1,1709528401000000]]']], del: [] });
    expect(chain.takeDirty()).toEqual({ set: [], del: [] });
  });

  it('walks round and round over all keys', () => {
    const chain = createChain({ cluster: 'c', sink: 's', steps: [step('delta', {}), step('rate_of_change', {})] });
    for (let i = 0; i < 5; i++) feed(chain, i, at(i, { resource_id: `r${i % 3}` }));
    const round = [chain.rolling(2), chain.rolling(2), chain.rolling(2), chain.rolling(2)];

    expect(round.map(({ rows, roundStart, roundEnd }) => [rows.length, roundStart, roundEnd])).toEqual([
      [2, true, false],
      [2, false, false],
      [1, false, true],
      [2, true, false],
    ]);
  });

  it('goes on with the round of the owner before, and comes only to what is in no commit of it', () => {
    const chain = () => createChain({ cluster: 'c', sink: 's', steps: [step('delta', {}), step('rate_of_change', {})] });
    const first = chain();
    for (let i = 0; i < 4; i++) feed(first, i, at(i, { resource_id: `r${i}` }));
    const before = first.takeDirty().set;
    const begun = first.rolling(1);
    feed(first, 4, at(4, { resource_id: 'r3' }));
    const changed = first.takeDirty().set;
    const heir = chain();
    heir.load(before);
    heir.load([...begun.rows, ...changed], true);
    heir.resume(time(4));
    feed(heir, 5, at(5, { resource_id: 'new' }));
    const rest = [heir.rolling(1), heir.rolling(1)];

    expect(rest.map(({ rows, roundStart, roundEnd }) => [rows.length, roundStart, roundEnd])).toEqual([
      [1, false, false],
      [1, false, true],
    ]);
    const come = [begun, ...rest].flatMap(({ rows }) => rows.map(([key]) => key));
    expect([...come, ...changed.map(([key]) => key)].sort()).toEqual(
      [...new Set([...before, ...changed].map(([key]) => key))].sort(),
    );
    expect(heir.rolling(100)).toMatchObject({ roundStart: true, roundEnd: true });
  });

  it('asks for a partitioning that every stateful step can live with', () => {
    const keys = (...steps: ReturnType<typeof step>[]) => createChain({ cluster: 'c', sink: 's', steps }).partitionKeys;

    expect(keys(step('filter', { where: 'volume' }))).toBeUndefined();
    expect(keys(step('rate_of_change', {}), step('arithmetic', {}))).toEqual(['resource_id']);
    expect(keys(step('rename', { name: { a: 'b' } }), step('delta', {}))).toEqual(['resource_id']);
  });

  it('splits a stored key into the parts it was made of', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (parts) => {
        expect(splitParts(canonicalParts(parts))).toEqual(parts);
      }),
    );
  });
});

describe('a window', () => {
  const steps = [step('window', { size: 60, compute: ['sum', 'count'], lateness: 10, group_by: ['name'] })];

  it('closes once the watermark is its lateness past its end, and is never opened again', () => {
    const chain = createChain({ cluster: 'c', sink: 's', steps });

    expect(feed(chain, 69, at(5), at(69), at(6))).toEqual([]);
    expect(volumes(feed(chain, 70, at(70)))).toEqual([11, 2]);
    expect(chain.applyNotification('late', [at(7)], time(70))).toMatchObject({
      out: [],
      dropped: [{ reason: 'too_late', count: 1 }],
    });
  });

  it('closes by partition time on a quiet input', () => {
    const chain = createChain({ cluster: 'c', sink: 's', steps });
    feed(chain, 5, at(5));

    expect(volumes(chain.advance(time(75)).out)).toEqual([5, 1]);
  });

  it('gives the same ids and contents however the items were batched', () => {
    const items = Array.from({ length: 40 }, (_, i) => at(i * 4, { volume: i / 7 }));
    const run = (sizes: readonly number[]) => {
      const chain = createChain({ cluster: 'c', sink: 's', steps });
      const out: Item[] = [];
      for (let i = 0, n = 0; i < items.length; n++) {
        const batch = items.slice(i, i + (sizes[n % sizes.length] as number));
        i += batch.length;
        out.push(...feed(chain, (i - 1) * 4, ...batch));
      }
      return [...out, ...chain.advance(time(1_000)).out];
    };

    expect(run([1])).toEqual(run([40]));
    expect(run([3, 1, 7])).toEqual(run([1]));
  });

  it('feeds a longer window without being late for it', () => {
    const chain = createChain({
      cluster: 'c',
      sink: 's',
      steps: [...steps, step('window', { size: 300, compute: ['count'], group_by: ['resource_id'] })],
    });
    const out = Array.from({ length: 40 }, (_, i) => feed(chain, i * 10, at(i * 10))).flat();

    expect(volumes(out)).toEqual([8]);
  });
});

describe('the order by event time', () => {
  it('hands the items of a key on in the order of their time, whatever order they came in', () => {
    const arrivals = fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { minLength: 10 });

    fc.assert(
      fc.property(arrivals, (order) => {
        const chain = createChain({
          cluster: 'c',
          sink: 's',
          steps: [step('delta', {})],
          order: { latenessMs: 10_000, partitionBy: ['resource_id'] },
        });
        const out = order.flatMap((seconds, i) => feed(chain, Math.max(...order.slice(0, i + 1)), at(seconds)));
        out.push(...chain.advance(time(30)).out);

        expect(volumes(out)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1]);
      }),
    );
  });

  it('holds what waits across a hand-over, and hands what is too late on as it is', () => {
    const options = {
      cluster: 'c',
      sink: 's',
      steps: [step('delta', {})],
      order: { latenessMs: 10_000, partitionBy: ['resource_id'] },
    };
    const chain = createChain(options);
    feed(chain, 9, at(9), at(3));
    const heir = createChain(options);
    heir.load(chain.takeDirty().set);
    heir.resume(time(9));

    expect(volumes(heir.advance(time(25)).out)).toEqual([6]);
    expect(heir.applyNotification('late', [at(2)], time(25)).dropped).toEqual([{ reason: 'out_of_order', count: 1 }]);
  });
});

describe('stored states', () => {
  it('of a former configuration are read by no other step that stands in their place', () => {
    const before = createChain({ cluster: 'c', sink: 's', steps: [step('delta', {})] });
    feed(before, 1, at(1));
    const after = createChain({ cluster: 'c', sink: 's', steps: [step('rate_of_change', {})] });
    after.load(before.takeDirty().set);
    after.resume(time(1));

    expect(after.size).toBe(0);
    expect(after.applyNotification('n', [at(2)], time(2)).dropped).toEqual([{ reason: 'no_predecessor', count: 1 }]);
  });
});

describe('correlate', () => {
  const options = {
    cluster: 'c',
    sink: 's',
    steps: [
      step('correlate', { sequence: ['start', 'end'], by: ['resource_id'], timeout: 60, hold: 5, emit: 'sample', name: 'took' }),
    ],
  };
  const named = (name: string, seconds: number) => at(seconds, { name, id: `${name}-${seconds}` });

  it('pairs an end that came before its start', () => {
    const chain = createChain(options);
    feed(chain, 12, named('end', 12));

    expect(feed(chain, 12, named('start', 2))).toMatchObject([{ name: 'took', volume: { value: 10 }, resource_id: 'r1' }]);
  });

  it('drops an end whose start does not come, and tells of a start whose end does not come', () => {
    const chain = createChain(options);
    feed(chain, 1, named('end', 1));
    expect(chain.advance(time(6)).dropped).toEqual([{ reason: 'no_start', count: 1 }]);
    feed(chain, 7, named('start', 7));

    expect(chain.advance(time(66)).out).toEqual([]);
    expect(chain.advance(time(67)).out).toMatchObject([{ name: 'took.never_ended', volume: 1 }]);
  });
});

describe('deduplicate', () => {
  it('remembers in partition time, and at its bound forgets the oldest', () => {
    const chain = createChain({
      cluster: 'c',
      sink: 's',
      steps: [step('deduplicate', { by: ['name'], window: 60, max_keys: 2 })],
    });
    const seen = (name: string, seconds: number) => feed(chain, seconds, at(seconds, { name })).length;

    expect([seen('a', 0), seen('a', 59), seen('a', 60), seen('b', 61), seen('c', 62), seen('b', 63), seen('a', 64)]).toEqual([
      1, 0, 1, 1, 1, 0, 1,
    ]);
  });
});
