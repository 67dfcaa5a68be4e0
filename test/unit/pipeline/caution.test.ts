import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Semaphore } from '../../../src/lib/semaphore.ts';
import { Caution } from '../../../src/pipeline/caution.ts';

/** What the store keeps of one partition. */
interface Kept {
  starts: number;
  suspects: string;
}

type End = 'dead' | 'empty' | { readonly buried: string };

/** One owner of a queue that gives `entries` in this order; the last batch that was committed was not settled. */
function own(kept: Kept, entries: string[], unsettled: string[]): End {
  const caution = new Caution(kept.starts, kept.suspects, new Semaphore(1));
  while (entries.length > 0) {
    const batch = entries.slice(0, caution.batchSize);
    const names = caution.batchSize === 1 ? batch : [];
    const note = caution.begin(names);
    if (note !== null) Object.assign(kept, { starts: kept.starts + 1, suspects: note });
    const buried = batch.find((name) => caution.kills(name));
    if (buried !== undefined) return { buried };
    if (batch.includes('killer')) return 'dead';
    kept.starts = 0;
    caution.committed(names, batch.length);
    unsettled.splice(0, unsettled.length, ...entries.splice(0, batch.length));
  }
  return 'empty';
}

describe('caution', () => {
  it('counts an owner once that meets the same entry again and again, as behind a gap when a listener sends anew', () => {
    const caution = new Caution(2, 'e=1', new Semaphore(1));
    for (let times = 0; times < 5; times++) {
      expect(caution.begin(['e'])).toBe('e=2');
      expect(caution.kills('e')).toBe(false);
      caution.committed([], 1);
    }
  });

  it('blames the killer and nobody else, in whatever order a queue gives back what a dead owner had', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 120 }), fc.nat(), (others, seed) => {
        let state = seed + 1;
        const draw = () => {
          state = (state * 48_271) % 2_147_483_647;
          return state;
        };
        const kept: Kept = { starts: 0, suspects: '' };
        let queue = ['killer', ...Array.from({ length: others }, (_, nth) => `e${nth}`)];
        for (let life = 1; ; life++) {
          const ranks = new Map(queue.map((name) => [name, draw() % 1000]));
          queue.sort((a, b) => (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0));
          const unsettled: string[] = [];
          const end = own(kept, queue, unsettled);
          if (end !== 'dead') {
            expect(end).toEqual({ buried: 'killer' });
            return;
          }
          // Behind a whole batch it kills in the second one, which nobody noted: then it takes until it stands further ahead.
          expect(life).toBeLessThanOrEqual(200);
          // New ones come meanwhile, and what was committed without being settled comes again.
          queue = [...queue, ...unsettled, `n${life}`];
        }
      }),
    );
  });

  it('goes back to whole batches once nothing is suspected any more', () => {
    const caution = new Caution(2, '', new Semaphore(1));
    const sizes: number[] = [];
    for (let nth = 0; nth < 70; nth++) {
      caution.begin([`e${nth}`]);
      sizes.push(caution.batchSize);
      caution.committed([`e${nth}`], 1);
    }

    expect([sizes.indexOf(64), sizes.lastIndexOf(1)]).toEqual([64, 63]);
  });

  it('lets one of the noted partitions of a process go at a time, and waits for no longer than it is told', async () => {
    const turns = new Semaphore(1);
    const [noted, other, fresh] = [new Caution(1, '', turns), new Caution(1, '', turns), new Caution(0, '', turns)];
    const stop = new AbortController();
    const end = await noted.turn(stop.signal);
    const waiting = other.turn(stop.signal);

    expect(await fresh.turn(stop.signal)).not.toBeNull();
    stop.abort(new Error('stopping'));
    expect(await waiting).toBeNull();
    end?.();
    expect(turns.free).toBe(1);
  });
});
