import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterCommit, emptyHead, type LogHead } from '../../../src/state/embedded/log-head.ts';

type Step = 'start' | 'on' | 'end' | 'both';

function commits(head: LogHead, round: readonly Step[]): LogHead {
  return round.reduce(advanced, head);
}

function advanced(head: LogHead, commit: Step): LogHead {
  const [roundStart, roundEnd] = [commit === 'start' || commit === 'both', commit === 'end' || commit === 'both'];
  return afterCommit(head, { commitId: 'id', roundStart, roundEnd });
}

const begun = (length: number): Step[] => Array.from({ length }, (_, i) => (i === 0 ? 'start' : 'on'));
const round = (length: number): Step[] => (length === 1 ? ['both'] : [...begun(length - 1), 'end']);

describe('the head of the state log', () => {
  it('reads from the start of time until a round is whole', () => {
    expect(commits(emptyHead, begun(5))).toMatchObject({ version: 5, wholeFrom: 1, openFrom: 1, keptFrom: 1 });
  });

  it('reads from the last whole round once that has ended', () => {
    expect(commits(emptyHead, [...round(5), ...round(4)])).toMatchObject({ version: 9, wholeFrom: 6, openFrom: null });
    expect(commits(emptyHead, [...round(5), 'both', ...begun(2)])).toMatchObject({ version: 8, wholeFrom: 6, openFrom: 7 });
  });

  it('never takes a round for whole that was begun anew before it ended', () => {
    expect(commits(emptyHead, [...round(5), ...begun(2), ...begun(3)])).toMatchObject({ wholeFrom: 1, openFrom: 8 });
  });

  it('removes nothing that a load would read', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<Step[]>('start', 'on', 'on', 'on', 'end', 'both'), { maxLength: 200 }), (steps) => {
        let head = emptyHead;
        for (const step of steps) {
          head = advanced(head, step);

          expect(head.keptFrom).toBeLessThanOrEqual(head.wholeFrom);
        }
      }),
    );
  });

  it('keeps at most the last whole round, the open one and little more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), (length) => {
        let head = emptyHead;
        for (let commit = 0; commit < 20 * length; commit++) {
          head = advanced(head, round(length)[commit % length] ?? 'on');

          expect(head.version - head.keptFrom).toBeLessThanOrEqual(2 * length + length / 7 + 1);
        }
      }),
    );
  });
});
