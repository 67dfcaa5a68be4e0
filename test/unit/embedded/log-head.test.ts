import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterCommit, afterLoad, emptyHead, type LogHead } from '../../../src/state/embedded/log-head.ts';

function commits(head: LogHead, rounds: readonly boolean[]): LogHead {
  return rounds.reduce((each, roundStart) => afterCommit(each, 'id', roundStart), head);
}

const round = (length: number) => Array.from({ length }, (_, i) => i === 0);

describe('the head of the state log', () => {
  it('reads from the start of time until a round is whole', () => {
    expect(commits(emptyHead, round(5))).toMatchObject({ version: 5, wholeFrom: 1, openFrom: 1, keptFrom: 1 });
  });

  it('reads from the last whole round once the next one begins', () => {
    expect(commits(emptyHead, [...round(5), ...round(4), true])).toMatchObject({ version: 10, wholeFrom: 6, openFrom: 10 });
  });

  it('never takes a round for whole that a load cut short', () => {
    const head = commits(afterLoad(commits(emptyHead, [...round(5), ...round(2)])), round(3));

    expect(head).toMatchObject({ wholeFrom: 1, openFrom: 8 });
  });

  it('removes nothing that a load would read', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('commit', 'commit', 'commit', 'round', 'load'), { maxLength: 200 }), (steps) => {
        let head = emptyHead;
        for (const step of steps) head = step === 'load' ? afterLoad(head) : afterCommit(head, 'id', step === 'round');

        expect(head.keptFrom).toBeLessThanOrEqual(head.wholeFrom);
      }),
    );
  });

  it('keeps at most the last whole round, the open one and little more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), (length) => {
        let head = emptyHead;
        for (let commit = 0; commit < 20 * length; commit++) {
          head = afterCommit(head, 'id', commit % length === 0);

          expect(head.version - head.keptFrom).toBeLessThanOrEqual(2 * length + length / 7 + 1);
        }
      }),
    );
  });
});
