import { describe, expect, it } from 'vitest';
import { Partition } from '../../../src/core/partition/partition.ts';
import { createChain } from '../../../src/core/transformers/chain.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';
import type { DataEntry, Entry } from '../../../src/model/entry.ts';
import type { Sample } from '../../../src/model/sample.ts';
import { sampleWith } from '../../sample.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

function sample(resource: string, second: number, volume: number): Sample {
  return sampleWith({
    id: `s-${resource}-${second}`,
    type: 'cumulative',
    unit: 'ns',
    volume,
    user_id: 'u',
    project_id: 'p',
    resource_id: resource,
    timestamp: new Date(start + second * 1000).toISOString(),
  });
}

function data(seq: number, samples: readonly Sample[], more: Partial<DataEntry> = {}): DataEntry {
  const notifications = samples.map((one) => ({ id: `n-${one.id}`, items: [one] }));
  return { kind: 'data', listener: 'l1', seq, at: start + 3_600_000, proven: 0, notifications, canaries: [], ...more };
}

function rates(): Partition {
  const transformer = transformers['rate_of_change'] as AnyTransformer;
  const parameters = transformer.Parameters.parse({ target: { name: 'cpu_rate' } });
  return new Partition(createChain({ cluster: 'c', sink: 's', steps: [{ transformer, parameters }] }));
}

function windows(): Partition {
  const transformer = transformers['window'] as AnyTransformer;
  const parameters = transformer.Parameters.parse({ size: 60, compute: ['count'] });
  return new Partition(createChain({ cluster: 'c', sink: 's', steps: [{ transformer, parameters }] }));
}

function remembered(): Partition {
  const transformer = transformers['deduplicate'] as AnyTransformer;
  const parameters = transformer.Parameters.parse({ window: '2m' });
  return new Partition(createChain({ cluster: 'c', sink: 's', steps: [{ transformer, parameters }] }));
}

/** The same partition after a takeover, from what a commit now would have stored. */
function takenOver(partition: Partition, heir: Partition): Partition {
  const { set, cursor, ids } = partition.takeChange(1_000);
  heir.loadStates(set);
  heir.restore(cursor, ids === null ? [] : [[ids.slice, ids.text]]);
  return heir;
}

function applyAll(partition: Partition, entries: readonly Entry[]) {
  return entries.map((entry, index) => partition.apply(entry, index + 1, `f${index + 1}`));
}

const series = [0, 10, 20, 30].map((second, index) => sample('r1', second, index * 100));

describe('a partition', () => {
  it('computes over entries as if they were one stream, however items were batched', () => {
    const one = applyAll(rates(), [data(1, series)]).flatMap((applied) => applied.out);
    const each = applyAll(
      rates(),
      series.map((item, index) => data(index + 1, [item])),
    ).flatMap((applied) => applied.out);

    expect(one).toHaveLength(3);
    expect(each).toEqual(one);
  });

  it('says which trace each output belongs to, also of entries that had to wait', () => {
    const traced = (item: Sample, trace?: string) => [
      { id: `n-${item.id}`, items: [item], ...(trace === undefined ? {} : { trace }) },
    ];
    const [one, two, three, four] = series as [Sample, Sample, Sample, Sample];
    const last = data(3, [], { notifications: traced(four, 'c') });
    const middle = data(2, [], { notifications: traced(three) });
    const first = data(1, [], { notifications: [...traced(one, 'a'), ...traced(two, 'b')] });

    const applied = applyAll(rates(), [last, middle, first]).map(({ out, traces }) => out.map((_, i) => traces?.[i]));

    expect(applied).toEqual([[], [], ['b', undefined, 'c']]);
  });

  it('gives no trace to what time brought out, though a notification moved it', () => {
    const notifications = [sample('r1', 0, 1), sample('r1', 3_600, 1)].map((item) => ({
      id: `n-${item.id}`,
      items: [item],
      trace: 'a',
    }));

    const [applied] = applyAll(windows(), [data(1, [], { notifications })]);

    expect(applied?.out).toHaveLength(1);
    expect(applied?.traces).toBeUndefined();
  });

  it('applies an entry once: a repeated sequence is a duplicate', () => {
    const applied = applyAll(rates(), [data(1, series.slice(0, 2)), data(1, series.slice(0, 2))]);

    expect(applied.map((one) => one.outcome)).toEqual(['applied', 'duplicate']);
    expect(applied[1]?.out).toEqual([]);
  });

  it('holds an entry that comes before its predecessor, and the anchor stays before it', () => {
    const partition = rates();
    const first = partition.apply(data(2, series.slice(2)), 7, 'f7');
    expect(first.outcome).toBe('held');
    expect(partition.anchor).toBeNull();

    const second = partition.apply(data(1, series.slice(0, 2)), 8, 'f8');
    expect(second.out).toHaveLength(3);
    expect(partition.anchor).toEqual({ offset: 8, fingerprint: 'f8' });
  });

  it('counts a notification once though two listeners bring it', () => {
    const applied = applyAll(rates(), [data(1, series.slice(0, 2)), data(1, series.slice(0, 2), { listener: 'l2' })]);

    expect(applied.map((one) => [one.out.length, one.repeated])).toEqual([
      [1, 0],
      [0, 2],
    ]);
  });

  it('makes a letter of an item more than ten minutes ahead of the wall clock', () => {
    const applied = rates().apply(data(1, [sample('r1', 0, 1)], { at: start - 11 * 60_000 }), 1, 'f');

    expect(applied.letters.map((letter) => letter.reason)).toEqual(['from_the_future']);
  });

  it('goes on from a commit exactly where it stood, wherever it is cut', () => {
    const entries: Entry[] = [
      { kind: 'config', hash: 'h', inputs: [], at: start },
      data(1, series.slice(0, 1), { proven: 0 }),
      { kind: 'tick', incarnation: 1, epoch: 1, n: 1, at: start },
      data(1, [sample('r2', 0, 5)], { listener: 'l2' }),
      { kind: 'tick', incarnation: 1, epoch: 1, n: 2, at: start + 1_000 },
      data(2, series.slice(0, 3), { proven: 1 }),
      data(2, [sample('r2', 10, 25)], { listener: 'l2', proven: 1 }),
      data(3, series.slice(3), { proven: 2 }),
    ];
    const whole = applyAll(rates(), entries).flatMap((applied) => applied.out);

    for (let cut = 1; cut < entries.length; cut++) {
      const store = new Map<string, string>();
      const ids: [number, string][] = [];
      let cursor: string | null = null;
      const before = rates();
      const out = entries.slice(0, cut).flatMap((entry, index) => before.apply(entry, index + 1, `f${index + 1}`).out);
      const change = before.takeChange(100);
      for (const [key, value] of change.set) store.set(key, value);
      for (const key of change.del) store.delete(key);
      if (change.ids !== null) ids.push([change.ids.slice, change.ids.text]);
      cursor = change.cursor;

      const after = rates();
      after.loadStates([...store]);
      after.restore(cursor, ids);
      const rest = entries.slice(cut).flatMap((entry, index) => after.apply(entry, cut + index + 1, `f${cut + index + 1}`).out);

      expect([...out, ...rest], `cut after ${cut}`).toEqual(whole);
      expect(after.configHash).toBe('h');
    }
  });

  it('gives way many times while it is restored, be it states with deadlines or ids of many commits', () => {
    const partition = remembered();
    const ids: [number, string][] = [];
    const states = new Map<string, string>();
    let cursor = '';
    for (let seq = 1; seq <= 50; seq++) {
      partition.apply(
        data(
          seq,
          Array.from({ length: 40 }, (_, i) => sample(`r${i}`, seq, i)),
        ),
        seq,
        'f',
      );
      const change = partition.takeChange(0);
      for (const [key, value] of change.set) states.set(key, value);
      if (change.ids !== null) ids.push([change.ids.slice, change.ids.text]);
      cursor = change.cursor;
    }
    const heir = remembered();
    heir.loadStates([...states]);
    const turns = [...heir.restoring(cursor, ids)].length;

    expect([states.size, heir.openIds, turns]).toEqual([2_000, 2_000, 50 + 10]);
  });

  it('forgets ids in two minutes of its data too, when nobody needs to tick it', () => {
    const partition = rates();
    const dropped: number[] = [];
    for (let second = 0; second < 600; second++) {
      const one = sample('r1', second, second);
      partition.apply(data(second + 1, [one], { at: start + second * 1_000, proven: second }), second + 1, 'f');
      dropped.push(...partition.takeChange(0).dropSlices);
    }

    expect(dropped).toContain(0);
    expect(partition.closedIds).toBeLessThan(200);
  });

  it('is not hurried by listeners whose clocks differ, nor by one that runs ahead', () => {
    const partition = rates();
    const clocks = [0, 5_000, 1_000, 6_000, 2_000, 7_000, 3_600_000, 3_000, 8_000];
    clocks.forEach((ahead, index) => {
      partition.apply(data(index + 1, [], { at: start + ahead }), index + 1, 'f');
    });

    expect(partition.partitionMs).toBeLessThanOrEqual(2_000 + 2_000 + 1_000 + 1_000 + 2_000);
  });

  it('lets no time pass while an entry is missing, so that reading again after a takeover counts no tick twice', () => {
    const tick = (second: number): Entry => ({
      kind: 'tick',
      incarnation: 1,
      epoch: 1,
      n: second + 1,
      at: start + second * 1_000,
    });
    const [t0, missing, ahead, ...ticks] = [tick(0), data(1, []), data(2, []), tick(1), tick(2), tick(3)] as Entry[];
    const log = [t0, ahead, ...ticks, missing, tick(4)] as Entry[];
    const alone = windows();
    applyAll(alone, log);

    for (let cut = 1; cut < log.length; cut++) {
      const first = windows();
      log.slice(0, cut).forEach((entry, index) => {
        first.apply(entry, index + 1, `f${index + 1}`);
      });
      const from = first.anchor?.offset ?? 0;
      const heir = takenOver(first, windows());
      log.slice(from).forEach((entry, index) => {
        heir.apply(entry, from + index + 1, `f${from + index + 1}`);
      });

      expect(heir.partitionMs, `cut after ${cut}`).toBe(alone.partitionMs);
      expect(heir.anchor).toEqual({ offset: log.length, fingerprint: `f${log.length}` });
    }
  });
});
