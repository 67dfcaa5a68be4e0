import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGroupingKey } from '../../../src/core/partition/grouping-key.ts';
import { relocate } from '../../../src/core/partition/relocate.ts';
import { reachable } from '../../../src/core/partition/stored-partition.ts';
import { compileSourceFilter } from '../../../src/core/route/source-filter.ts';
import { createChain } from '../../../src/core/transformers/chain.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';
import type { Part } from '../../../src/model/entry.ts';
import { type Item, itemId } from '../../../src/model/item.ts';
import type { Json } from '../../../src/model/json.ts';
import { printJson } from '../../../src/model/json-text.ts';
import type { Sample } from '../../../src/model/sample.ts';
import { partitionOf } from '../../../src/model/stable-hash.ts';
import { KeptPartition } from '../../cluster/kept-partition.ts';
import { sampleWith } from '../../sample.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

interface Sink {
  readonly use: string;
  readonly parameters: unknown;
  readonly partitionBy: readonly string[];
  readonly match: readonly string[];
  readonly latenessMs?: number;
}

/** All partitions of one sink, ticked together, with a listener in front of them. */
class Sinkful {
  readonly #sink: Sink;
  readonly #keyOf: (item: Item) => readonly string[];
  readonly outputs = new Map<string, string>();
  readonly dropped = new Map<string, number>();
  repeated = 0;
  #generation = 1;
  #partitions: KeptPartition[];
  #sequences = new Map<string, number>();
  #ticks = 0;

  constructor(sink: Sink, partitions: number) {
    this.#sink = sink;
    this.#keyOf = compileGroupingKey(sink.partitionBy);
    this.#partitions = Array.from({ length: partitions }, () => new KeptPartition(this.#chain()));
  }

  #steps() {
    const transformer = transformers[this.#sink.use] as AnyTransformer;
    return [{ transformer, parameters: transformer.Parameters.parse(this.#sink.parameters) }];
  }

  #order() {
    const { latenessMs, partitionBy } = this.#sink;
    return latenessMs === undefined ? undefined : { latenessMs, partitionBy };
  }

  #chain() {
    return createChain({ cluster: 'c', sink: 's', steps: this.#steps(), order: this.#order() });
  }

  /** `only`: the partitions that this attempt reaches; the others do not hear of the notification. */
  send(listener: string, part: Part, at: number, only?: (partition: number) => boolean): void {
    const parts = new Map<number, Item[]>();
    for (const item of part.items) {
      const partition = partitionOf(this.#keyOf(item), this.#partitions.length);
      parts.set(partition, [...(parts.get(partition) ?? []), item]);
    }
    for (const [partition, items] of parts) {
      if (only?.(partition) === false) continue;
      const name = `${listener} ${this.#generation} ${partition}`;
      const seq = (this.#sequences.get(name) ?? 0) + 1;
      this.#sequences.set(name, seq);
      const applied = this.#partitions[partition]?.apply({
        kind: 'data',
        listener: `${listener}.${this.#generation}`,
        seq,
        at,
        proven: seq > 3 ? seq - 3 : 0,
        notifications: [{ id: part.id, items }],
        canaries: [],
      });
      this.repeated += applied?.repeated ?? 0;
      this.#took(applied);
    }
  }

  tick(at: number): void {
    this.#ticks += 1;
    for (const partition of this.#partitions)
      this.#took(partition.apply({ kind: 'tick', incarnation: 1, epoch: 1, n: this.#ticks, at }));
  }

  #took(applied: ReturnType<KeptPartition['apply']> | undefined): void {
    for (const item of applied?.out ?? []) {
      const text = printJson(item as unknown as Json);
      const before = this.outputs.get(itemId(item));
      if (before !== undefined) throw new Error(`twice: ${before} and ${text}`);
      this.outputs.set(itemId(item), text);
    }
    for (const { reason, count } of applied?.dropped ?? []) this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
  }

  relocate(partitions: number) {
    const { partitionBy, match } = this.#sink;
    const from = { generation: this.#generation, partitions: this.#partitions.length, partitionBy };
    const relocated = relocate(
      this.#partitions.map(({ stored }) => stored),
      { steps: this.#steps(), order: this.#order(), from, partitions, takes: compileSourceFilter(match) },
    );
    this.#generation += 1;
    this.#partitions = relocated.partitions.map((stored) => new KeptPartition(this.#chain(), stored));
    return relocated;
  }

  get stored() {
    return this.#partitions.map(({ stored }) => stored);
  }
}

function sample(name: string, resource: string, second: number, volume: number): Sample {
  return sampleWith({
    id: `${name}-${resource}-${second}`,
    name,
    type: 'cumulative',
    unit: 'ns',
    volume,
    user_id: 'u',
    project_id: 'p',
    resource_id: resource,
    timestamp: new Date(start + second * 1000).toISOString(),
  });
}

const sinks: Readonly<Record<string, Sink>> = {
  'rates by resource': { use: 'rate_of_change', parameters: {}, partitionBy: ['resource_id'], match: ['cpu', 'disk.*'] },
  'rates by name and resource': { use: 'rate_of_change', parameters: {}, partitionBy: ['resource_id', 'name'], match: ['*'] },
  'right rates, forgotten when idle': {
    use: 'rate_of_change',
    parameters: { strict_compat: false, forget_after: '1m' },
    partitionBy: ['resource_id'],
    match: ['*'],
  },
  'rates in event order': {
    use: 'rate_of_change',
    parameters: {},
    partitionBy: ['resource_id'],
    match: ['*'],
    latenessMs: 5_000,
  },
  deltas: { use: 'delta', parameters: {}, partitionBy: ['resource_id'], match: ['*'] },
  windows: {
    use: 'window',
    parameters: { size: '20s', lateness: '1h', group_by: ['resource_id'], compute: ['count', 'sum'] },
    partitionBy: ['resource_id'],
    match: ['*'],
  },
  sequences: {
    use: 'correlate',
    parameters: {
      sequence: ['cpu', 'disk.read'],
      by: ['resource_id'],
      timeout: '15s',
      hold: '20s',
      emit: 'sample',
      name: 'pair',
    },
    partitionBy: ['resource_id'],
    match: ['*'],
  },
  'no duplicates by id': { use: 'deduplicate', parameters: { window: '30s' }, partitionBy: ['resource_id'], match: ['*'] },
  'no duplicates by field': {
    use: 'deduplicate',
    parameters: { by: ['name', 'resource_id'], window: '15s' },
    partitionBy: ['resource_id'],
    match: ['*'],
  },
  'operands of a formula': {
    use: 'arithmetic',
    parameters: { target: { name: 'both', expr: '$(cpu) + $(disk.read)' }, strict_compat: false },
    partitionBy: ['resource_id'],
    match: ['*'],
  },
};

/** Notifications of several samples of several resources, some of them given twice or to a part of the partitions only and then again. */
function run(sink: Sink, counts: readonly number[], script: Script): Sinkful {
  const [first = 1, ...later] = counts;
  const world = new Sinkful(sink, first);
  const after = new Map(later.map((count, index) => [Math.floor(((index + 1) * script.length) / counts.length), count]));
  let again: { readonly part: Part }[] = [];
  script.forEach(({ names, resources, torn }, index) => {
    const count = after.get(index);
    if (count !== undefined) world.relocate(count);
    const at = start + index * 1_000;
    // By another listener: what was sent to some, it sends to all.
    for (const { part } of again) world.send('l2', part, at);
    again = [];
    const items = resources.flatMap((resource) =>
      names.map((name) => sample(name, `r${resource}`, index, index * (resource + 1))),
    );
    const part = { id: `n${index}`, items };
    world.send('l1', part, at, torn ? (partition) => partition % 2 === 0 : undefined);
    if (torn) again.push({ part });
    world.tick(at);
  });
  for (const { part } of again) world.send('l2', part, start + script.length * 1_000);
  for (let second = 0; second < 3_700; second += 100) world.tick(start + (script.length + second) * 1_000);
  return world;
}

type Script = readonly { readonly names: readonly string[]; readonly resources: readonly number[]; readonly torn: boolean }[];

const scripts: fc.Arbitrary<Script> = fc.array(
  fc.record({
    names: fc.uniqueArray(fc.constantFrom('cpu', 'disk.read', 'disk.write'), { minLength: 1 }),
    resources: fc.uniqueArray(fc.nat(11), { minLength: 1, maxLength: 5 }),
    torn: fc.boolean(),
  }),
  { minLength: 6, maxLength: 30 },
);

describe('a sink whose number of partitions changes', () => {
  it.each(Object.entries(sinks))('gives what it gives without that: %s', (_, sink) => {
    fc.assert(
      fc.property(scripts, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 4 }), (script, counts) => {
        // Neither is torn: a torn notification reaches the rest of its partitions a moment later, which is another order.
        const whole = script.map((one) => ({ ...one, torn: false }));

        const changed = run(sink, counts, whole);
        const steady = run(sink, [counts[0] ?? 1], whole);

        expect(Object.fromEntries(changed.outputs)).toEqual(Object.fromEntries(steady.outputs));
        expect(changed.repeated).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  it('applies what had reached some partitions before and comes again to the others, and only that', () => {
    const sink = { use: 'deduplicate', parameters: { window: '1s' }, partitionBy: ['resource_id'], match: ['*'] };
    fc.assert(
      fc.property(scripts, fc.array(fc.integer({ min: 2, max: 7 }), { minLength: 2, maxLength: 4 }), (script, counts) => {
        const world = run(sink, counts, script);

        const items = script.flatMap(({ names, resources }) => names.length * resources.length).reduce((a, b) => a + b, 0);
        expect(world.outputs.size).toBe(items);
        // The window is over when they come again: only the ids kept them from being let through twice.
        expect(world.dropped.get('duplicate')).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });

  it('knows a notification through two changes', () => {
    const world = new Sinkful(sinks['deltas'] as Sink, 4);
    const part = { id: 'n', items: [0, 1, 2, 3, 4, 5, 6, 7].map((resource) => sample('cpu', `r${resource}`, 0, 1)) };
    world.send('l1', part, start, (partition) => partition === 0);

    world.relocate(6);
    world.send('l2', part, start, (partition) => partition === 1);
    const dropped = world.dropped.get('no_predecessor');
    world.relocate(5);
    world.send('l3', part, start);
    world.send('l4', part, start);

    expect(dropped).toBeLessThan(8);
    expect(world.dropped.get('no_predecessor')).toBe(8);
    expect(world.dropped.get('out_of_order')).toBeUndefined();
  });

  it('keeps the samples of an accumulator and of an aggregator', () => {
    for (const [use, parameters] of [
      ['accumulator', { size: 100 }],
      ['aggregator', { size: 100, resource_metadata: 'last' }],
      ['aggregator', { size: 100, strict_compat: false }],
    ] as const) {
      const world = new Sinkful({ use, parameters, partitionBy: ['resource_id', 'name'], match: ['*'] }, 3);
      const half = (from: number) =>
        Array.from({ length: 50 }, (_, i) => sample(i % 2 === 0 ? 'cpu' : 'disk.read', `r${i % 9}`, from + i, 1));
      for (const item of half(0)) world.send('l1', { id: item.id, items: [item] }, start);
      world.relocate(1);
      for (const item of half(50)) world.send('l1', { id: item.id, items: [item] }, start);

      expect(world.outputs.size).toBe(use === 'accumulator' ? 100 : 18);
      const total = [...world.outputs.values()].reduce((sum, text) => sum + Number((JSON.parse(text) as Sample).volume), 0);
      expect(total).toBe(use === 'accumulator' ? 100 : 18);
    }
  });

  it('copies a key that does not say where it belongs, and only where it may be asked for', () => {
    const world = new Sinkful({ ...(sinks['rates by resource'] as Sink), match: ['*'] }, 4);
    for (let i = 0; i < 20; i++) world.send('l1', { id: `n${i}`, items: [sample('cpu', `r${i}`, 0, 1)] }, start);

    const { partitions, copied } = world.relocate(8);

    expect(copied).toBeGreaterThan(0);
    for (const { states } of partitions) expect(states.length).toBeLessThan(20);
    expect(world.relocate(4).partitions.reduce((sum, { states }) => sum + states.length, 0)).toBeLessThan(40);
  });

  it('counts keys of steps that the sink has no more', () => {
    const { states, ...rest } = { cursor: null, ids: [], states: [['0/window/1:a', '[0,[]]']] as const };
    const options = {
      steps: [],
      order: undefined,
      from: { generation: 1, partitions: 1, partitionBy: [] },
      partitions: 2,
      takes: () => true,
    };

    expect(relocate([{ ...rest, states }], options)).toMatchObject({
      forgotten: 1,
      partitions: [{ states: [] }, { states: [] }],
    });
  });

  it('is told that a transformer of its own cannot be divided', () => {
    const transformer = { name: 'mine', scope: 'partition', State: { safeParse: (data: unknown) => ({ success: true, data }) } };
    const steps = [{ transformer: transformer as unknown as AnyTransformer, parameters: {} }];
    const options = {
      steps,
      order: undefined,
      from: { generation: 1, partitions: 1, partitionBy: [] },
      partitions: 2,
      takes: () => true,
    };

    expect(() => relocate([{ cursor: null, ids: [], states: [['0/mine/a', '[0,1]']] }], options)).toThrow(/does not say how/);
  });
});

it('A key goes from a partition only to those that are equal to it modulo every common divisor', () => {
  expect(reachable(3, 4, 6)).toEqual([1, 3, 5]);
  expect(reachable(3, 4, 8)).toEqual([3, 7]);
  expect(reachable(7, 8, 4)).toEqual([3]);
  expect(reachable(2, 5, 3)).toEqual([0, 1, 2]);
});
