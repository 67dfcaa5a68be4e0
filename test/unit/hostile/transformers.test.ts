import { afterEach, describe, expect, it } from 'vitest';
import { itemLines } from '../../../src/core/convert/wire.ts';
import { Partition } from '../../../src/core/partition/partition.ts';
import { type ChainOptions, createChain } from '../../../src/core/transformers/chain.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';
import { type Item, type ItemKind, itemId } from '../../../src/model/item.ts';
import { Float } from '../../../src/model/json.ts';
import { speak } from '../../../src/pipeline/unspeakable.ts';
import { moreParameters, subjectOf } from '../transformers/subject.ts';
import { event, hostileItems } from './items.ts';
import { sample } from './worker-rig.ts';

const start = Date.UTC(2026, 0, 1);

function good(kind: ItemKind, index: number): Item {
  const at = new Date(start + index * 20_000).toISOString().slice(0, 19);
  const resource = `good-${index % 2}`;
  if (kind === 'samples') {
    const fields = { resource_id: resource, volume: index, timestamp: at, user_id: 'u', project_id: 'p', unit: 'B' };
    return sample(`good-${index}`, { ...fields, name: index % 3 === 0 ? 'memory.usage' : 'memory', type: 'gauge' });
  }
  const types = ['compute.instance.create.start', 'compute.instance.create.end'] as const;
  return event(`good-${index}`, {
    event_type: types[(index >> 1) % 2],
    generated: at,
    traits: [
      ['instance_id', 1, resource],
      ['host', 1, resource],
    ],
  });
}

/** A partition as its worker has it: entries in, a commit after each, and from its commit on as another owner would. */
class Run {
  readonly #step: { readonly transformer: AnyTransformer; readonly parameters: unknown };
  readonly #order: ChainOptions['order'];
  readonly #stored = new Map<string, string>();
  #cursor: string | null = null;
  #partition: Partition;
  #seq = 0;
  readonly out: Item[] = [];
  letters = 0;

  constructor(transformer: AnyTransformer, parameters: unknown, order?: ChainOptions['order']) {
    this.#step = { transformer, parameters };
    this.#order = order;
    this.#partition = this.#open();
  }

  #open(): Partition {
    const partition = new Partition(createChain({ cluster: 'c', sink: 's', steps: [this.#step], order: this.#order }));
    partition.loadStates([...this.#stored]);
    partition.restore(this.#cursor, []);
    return partition;
  }

  apply(...items: readonly Item[]): void {
    this.#seq += 1;
    const notifications = items.map((item, i) => ({ id: `${this.#seq}-${i}`, items: [item] }));
    const at = start + this.#seq * 60_000;
    const entry = { kind: 'data', listener: 'l', seq: this.#seq, at, proven: 0, notifications, canaries: [] } as const;
    this.#take(this.#partition.apply(entry, this.#seq * 2, ''));
    this.#take(
      this.#partition.apply({ kind: 'tick', incarnation: 1, epoch: 1, n: this.#seq * 2 + 1, at }, this.#seq * 2 + 1, ''),
    );
    const change = this.#partition.takeChange(16);
    for (const [key, value] of change.set) this.#stored.set(key, value);
    for (const key of change.del) this.#stored.delete(key);
    this.#cursor = change.cursor;
  }

  #take({ out, letters }: ReturnType<Partition['apply']>): void {
    // As before a commit: what has no line is a dead letter, and all else can be written.
    const spoken = speak(out, itemLines);
    this.out.push(...spoken.items);
    this.letters += letters.length + spoken.bad.length;
  }

  handOver(): void {
    this.#partition = this.#open();
  }
}

const kinds: readonly ItemKind[] = ['samples', 'events'];

describe.each(Object.entries(transformers))('%s', (name, transformer) => {
  afterEach(() => {
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  const { cases } = subjectOf(transformer, moreParameters[name]);
  const rows = kinds
    .filter((kind) => transformer.takes.includes(kind))
    .flatMap((kind) => cases.map(({ parameters }, i) => [`${kind}, parameters ${i + 1}`, kind, parameters] as const));

  it.each(rows)('commits and hands over whatever %s bring', (_title, kind, parameters) => {
    for (const { title, item } of hostileItems[kind]) {
      const run = new Run(transformer, parameters);

      expect(() => {
        run.apply(good(kind, 0), item, good(kind, 1));
        run.handOver();
        run.apply(item, good(kind, 2), good(kind, 3));
        run.handOver();
        run.apply(good(kind, 4), good(kind, 5));
      }, title).not.toThrow();
      const first = new Run(transformer, parameters);
      expect(() => {
        first.apply(item);
        first.handOver();
        first.apply(item, good(kind, 0));
      }, `${title}, first of all`).not.toThrow();
    }
  });

  // The three whose state is the partition's compute over all keys by nature.
  if (transformer.scope === 'partition') return;

  it.each(rows)('gives for the neighbours of hostile %s what it gives without them', (_title, kind, parameters) => {
    const alone = new Run(transformer, parameters);
    const indexes = Array.from({ length: 12 }, (_, i) => i);
    for (const i of indexes) alone.apply(good(kind, i));
    const expected = alone.out.map(itemId).sort();

    for (const { title, item } of hostileItems[kind]) {
      // Such a time is the partition's newest: what is late by then is late.
      if (title.startsWith('timestamp "9999') || title.startsWith('generated "9999')) continue;
      const run = new Run(transformer, parameters);
      for (const i of indexes) {
        run.apply(good(kind, i));
        if (i === 3) run.apply(item);
      }

      const found = new Set(run.out.map(itemId));
      expect(
        expected.filter((id) => !found.has(id)),
        title,
      ).toEqual([]);
    }
  });
});

describe('the order by event time', () => {
  const order = { latenessMs: 30_000, partitionBy: ['resource_id', 'traits.instance_id'] };

  it.each(kinds)('keeps, hands over and lets go whatever %s bring', (kind) => {
    const filter = transformers['filter'] as AnyTransformer;
    for (const { title, item } of hostileItems[kind]) {
      const run = new Run(filter, parsed('filter', { where: '1' }), order);

      expect(() => {
        run.apply(item, good(kind, 0));
        run.handOver();
        run.apply(good(kind, 1), item, good(kind, 2));
        run.handOver();
        for (let i = 3; i < 8; i++) run.apply(good(kind, i));
      }, title).not.toThrow();
      const left = run.out.map(itemId).filter((id) => id.startsWith('good-'));
      if (!title.includes('9999')) expect(left.slice(0, 5), title).toEqual([0, 1, 2, 3, 4].map((i) => `good-${i}`));
    }
  });
});

describe('a window', () => {
  const run = () =>
    new Run(transformers['window'] as AnyTransformer, parsed('window', { size: '20s', compute: ['sum', 'mean'] }));

  it('that comes to more than any number is dead letters, and the next ones close', () => {
    const windows = run();
    for (let i = 0; i < 6; i++) {
      const fields = {
        volume: i === 0 ? 17n * 10n ** 307n : i,
        timestamp: new Date(start + i * 10_000).toISOString().slice(0, 19),
      };
      windows.apply(sample(`${i}`, i === 1 ? { ...fields, volume: new Float(1.7e308) } : fields));
    }

    expect(windows.letters).toBe(1); // the sum; the mean is a number again
    expect(windows.out.map((item) => 'volume' in item && Number(item.volume))).toEqual([1.7e308, 5, 2.5]);
  });

  it('loses the one value without end, not the others with it', () => {
    const windows = run();
    windows.apply(sample('a', { volume: 2 }), sample('b', { volume: new Float(Number.NaN) }), sample('c', { volume: 4 }));
    windows.apply(sample('d', { timestamp: '2026-01-01T00:00:30' }));

    expect(windows.letters).toBe(1);
    expect(windows.out.map((item) => 'volume' in item && Number(item.volume))).toEqual([6, 3]);
  });
});

describe('an aggregator that need not be as Ceilometer was', () => {
  it.each([
    '12',
    10n ** 400n,
    new Float(Number.NaN),
    null,
  ])('loses the one sample of volume %s, and the others leave', (volume) => {
    const aggregates = new Run(
      transformers['aggregator'] as AnyTransformer,
      parsed('aggregator', { size: 2, strict_compat: false }),
    );

    aggregates.apply(sample('a', { volume: 2 }), sample('b', { volume }), sample('c', { volume: 4 }));

    expect(aggregates.letters).toBe(1);
    expect(aggregates.out.map((item) => 'volume' in item && Number(item.volume))).toEqual([3]);
  });
});

function parsed(name: string, parameters: unknown): unknown {
  return transformers[name]?.Parameters.parse(parameters);
}
