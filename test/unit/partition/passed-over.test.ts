import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Partition } from '../../../src/core/partition/partition.ts';
import { createChain } from '../../../src/core/transformers/chain.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';
import type { DataEntry, Entry, TickEntry } from '../../../src/model/entry.ts';
import { sampleWith } from '../../sample.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

function data(listener: string, seq: number): DataEntry {
  const items = [
    sampleWith({
      id: `s-${listener}-${seq}`,
      unit: 'ns',
      user_id: 'u',
      project_id: 'p',
      timestamp: new Date(start).toISOString(),
    }),
  ];
  return {
    kind: 'data',
    listener,
    seq,
    at: start,
    proven: 0,
    notifications: [{ id: `${listener}/${seq}`, items }],
    canaries: [],
  };
}

function tick(second: number): TickEntry {
  return { kind: 'tick', incarnation: 1, epoch: 1, n: second + 1, at: start + second * 1_000 };
}

function counting(): Partition {
  const transformer = transformers['window'] as AnyTransformer;
  const parameters = transformer.Parameters.parse({ size: 3_600, compute: ['count'] });
  return new Partition(createChain({ cluster: 'c', sink: 's', steps: [{ transformer, parameters }] }));
}

/** A partition through its owners. */
class Life {
  readonly #anew: () => Partition;
  partition: Partition;
  /** Items that came out. */
  out = 0;
  readonly passedOver: unknown[] = [];
  repeated = 0;

  constructor(anew = counting) {
    this.#anew = anew;
    this.partition = anew();
  }

  apply(entry: Entry, offset: number): string {
    const { outcome, out, repeated, passedOver } = this.partition.apply(entry, offset, `f${offset}`);
    this.passedOver.push(...passedOver);
    this.repeated += repeated;
    this.out += out.length;
    return outcome;
  }

  /** Under another owner from here on, who knows what a commit now would have stored. */
  takenOver(): void {
    const { set, cursor, ids } = this.partition.takeChange(1_000);
    const heir = this.#anew();
    heir.loadStates(set);
    heir.restore(cursor, ids === null ? [] : [[ids.slice, ids.text]]);
    this.partition = heir;
  }
}

describe('what comes before entries that are held', () => {
  it('is passed over after thirty seconds, and time goes on', () => {
    const life = new Life();
    life.apply(tick(0), 1);
    life.apply(data('dead', 2), 2);
    for (let second = 1; second < 30; second++) expect(life.apply(tick(second), 2 + second)).toBe('ignored');
    expect(life.partition.anchor?.offset).toBe(1);

    life.apply(tick(30), 32);

    expect(life.passedOver).toEqual([{ listener: 'dead', entries: 1 }]);
    expect(life.partition.heldCount).toBe(0);
    expect(life.partition.anchor?.offset).toBe(32);
    expect(life.apply(tick(31), 33)).toBe('ticked');
  });

  it('is passed over before nothing more could come in', () => {
    const life = new Life();
    life.apply(data('dead', 2), 1);
    for (let seq = 1; seq < 400; seq++) life.apply(data('living', seq), 1 + seq);

    expect(life.passedOver).toEqual([{ listener: 'dead', entries: 1 }]);
  });

  it('is applied late should it come, and once', () => {
    const life = new Life();
    life.apply(tick(0), 1);
    for (const seq of [3, 6]) life.apply(data('slow', seq), seq);
    life.apply(tick(30), 7);
    expect(life.passedOver).toEqual([{ listener: 'slow', entries: 4 }]);

    expect([5, 1, 5, 4, 3, 6].map((seq) => life.apply(data('slow', seq), 10))).toEqual([
      'applied',
      'applied',
      'duplicate',
      'applied',
      'duplicate',
      'duplicate',
    ]);
    life.takenOver();
    expect([2, 2, 1, 7].map((seq) => life.apply(data('slow', seq), 20))).toEqual([
      'applied',
      'duplicate',
      'duplicate',
      'applied',
    ]);
    expect(life.repeated).toBe(0);
  });

  it('is waited for no longer when the partition moves meanwhile', () => {
    const life = new Life();
    life.apply(tick(0), 1);
    life.apply(data('dead', 2), 2);
    life.apply(tick(20), 3);
    life.takenOver();
    life.apply(data('dead', 2), 2);
    life.apply(tick(20), 3);
    life.apply(tick(29), 4);
    expect(life.passedOver).toEqual([]);

    life.apply(tick(30), 5);

    expect(life.passedOver).toEqual([{ listener: 'dead', entries: 1 }]);
  });

  it('stops nothing when what was held never comes again', () => {
    const life = new Life();
    life.apply(tick(0), 1);
    life.apply(data('dead', 2), 2);
    life.takenOver();
    life.apply(tick(30), 3);

    expect(life.apply(tick(31), 4)).toBe('ticked');
    expect(life.partition.anchor?.offset).toBe(4);
  });

  it('counts every entry once whatever is missing, late or read again', () => {
    const events = fc.array(
      fc.oneof(
        fc.record({ listener: fc.constantFrom('a', 'b'), seq: fc.integer({ min: 1, max: 12 }) }),
        fc.constant('tick' as const),
        fc.constant('takeover' as const),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(events, (steps) => {
        const life = new Life(() => new Partition(createChain({ cluster: 'c', sink: 's', steps: [] })));
        const log: Entry[] = [];
        let second = 0;
        for (const step of steps) {
          if (step === 'takeover') {
            life.takenOver();
            for (let at = life.partition.anchor?.offset ?? 0; at < log.length; at++) life.apply(log[at] as Entry, at + 1);
            continue;
          }
          if (step === 'tick') second += 7;
          log.push(step === 'tick' ? tick(second) : data(step.listener, step.seq));
          life.apply(log.at(-1) as Entry, log.length);
        }
        for (let more = 0; more < 8; more++) {
          second += 7;
          log.push(tick(second));
          life.apply(log.at(-1) as Entry, log.length);
        }
        const came = new Set(log.flatMap((entry) => (entry.kind === 'data' ? [`${entry.listener} ${entry.seq}`] : [])));
        expect(life.partition.heldCount).toBe(0);
        expect(life.repeated).toBe(0);
        for (const one of came) {
          const [listener = '', seq] = one.split(' ');
          expect(life.apply(data(listener, Number(seq)), 1_000)).toBe('duplicate');
        }
        expect(life.out).toBe(came.size);
      }),
      { numRuns: 500 },
    );
  });
});
