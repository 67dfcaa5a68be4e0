import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Chain, createChain } from '../../../src/core/transformers/chain.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';
import { afterCommit, emptyHead, type LogHead } from '../../../src/state/embedded/log-head.ts';
import { sampleWith } from '../../sample.ts';

type Row = readonly [key: string, value: string | null];

const parametersOf: Readonly<Record<string, unknown>> = { deduplicate: { window: 20 }, delta: {} };

function newChain(): Chain {
  const steps = Object.entries(parametersOf).map(([name, parameters]) => {
    const transformer = transformers[name] as AnyTransformer;
    return { transformer, parameters: transformer.Parameters.parse(parameters) };
  });
  return createChain({ cluster: 'c', sink: 's', steps });
}

const timeAt = (second: number) => ({ partition: second * 1_000, watermark: second * 1_000, now: second * 1_000 });

/** The log of one partition as the embedded store keeps it, and what must stand in it. */
class Log {
  readonly records = new Map<number, readonly Row[]>();
  readonly state = new Map<string, string>();
  head: LogHead = emptyHead;

  commit(chain: Chain, most: number): void {
    const { set, del } = chain.takeDirty();
    const { rows, roundStart, roundEnd } = chain.rolling(most);
    for (const [key, value] of set) this.state.set(key, value);
    for (const key of del) this.state.delete(key);
    const next = afterCommit(this.head, { commitId: 'c', roundStart, roundEnd });
    this.records.set(next.version, [...rows, ...set, ...del.map((key) => [key, null] as const)]);
    for (let version = this.head.keptFrom; version < next.keptFrom; version++) this.records.delete(version);
    this.head = next;
  }

  load(chain: Chain, goesOn: boolean): Chain {
    for (let version = this.head.wholeFrom; version <= this.head.version; version++)
      chain.load(
        this.records.get(version) as readonly Row[],
        goesOn && this.head.openFrom !== null && version >= this.head.openFrom,
      );
    return chain;
  }
}

const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ ids: fc.array(fc.nat({ max: 40 }), { maxLength: 6 }), seconds: fc.nat({ max: 6 }) }) },
  { weight: 2, arbitrary: fc.constant('goes on' as const) },
  { weight: 1, arbitrary: fc.constant('walks anew' as const) },
);

describe('rounds of the checkpoint', () => {
  it('leave every state in the log, whoever walks them and however often the owner changes', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 150 }), fc.integer({ min: 1, max: 9 }), (steps, most) => {
        const log = new Log();
        let chain = newChain();
        let second = 0;
        for (const [n, one] of steps.entries()) {
          if (typeof one === 'string') {
            chain = log.load(newChain(), one === 'goes on');
            chain.resume(timeAt(second));
          } else {
            second += one.seconds;
            const items = one.ids.map((id) =>
              sampleWith({ id: `s${id}`, resource_id: `r${id % 7}`, type: 'cumulative', volume: n }),
            );
            chain.applyNotification(`n${n}`, items, timeAt(second));
            chain.advance(timeAt(second));
            log.commit(chain, most);
          }
          const whole = log.load(newChain(), false);
          whole.resume(timeAt(second));

          expect(new Map(whole.rolling(1_000).rows)).toEqual(log.state);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('end though no owner lives for one of them, so that the log stays short', () => {
    const log = new Log();
    let chain = newChain();
    let longest = 0;
    for (let n = 0; n < 600; n++) {
      if (n % 5 === 4) {
        chain = log.load(newChain(), true);
        chain.resume(timeAt(n));
      }
      chain.applyNotification(`n${n}`, [sampleWith({ id: `s${n}`, resource_id: `r${n}` })], timeAt(n / 10));
      chain.advance(timeAt(n / 10));
      log.commit(chain, 16);
      if (n > 300) longest = Math.max(longest, log.head.version - log.head.keptFrom);
    }

    // Two rounds, each of 800 rows at 16 a commit, and a little.
    expect(log.state.size).toBe(800);
    expect(longest).toBeLessThanOrEqual(2 * 50 + 15);
  });
});
