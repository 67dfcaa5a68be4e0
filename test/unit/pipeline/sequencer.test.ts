import { describe, expect, it } from 'vitest';
import { Sequencer } from '../../../src/pipeline/sequencer.ts';

describe('a sequencer', () => {
  const next = (sequencer: Sequencer, partition: string) => {
    const { listener, seq, proven } = sequencer.next(partition, 0, [], []);
    return [listener, seq, proven];
  };

  it('numbers every partition from 1 without a gap', () => {
    const sequencer = new Sequencer('boot');

    expect([next(sequencer, 'p'), next(sequencer, 'q'), next(sequencer, 'p')]).toEqual([
      ['boot', 1, 0],
      ['boot', 1, 0],
      ['boot', 2, 0],
    ]);
  });

  it('proves what stood when the snapshot was taken, and nothing numbered since', () => {
    const sequencer = new Sequencer('boot');
    next(sequencer, 'p');
    const snapshot = sequencer.snapshot();
    next(sequencer, 'p');
    sequencer.proved(snapshot);

    expect(next(sequencer, 'p')).toEqual(['boot', 3, 1]);
    expect(next(sequencer, 'q')).toEqual(['boot', 1, 0]);
  });

  it('begins anew under another name, with nothing proven', () => {
    const sequencer = new Sequencer('boot');
    next(sequencer, 'p');
    sequencer.proved(sequencer.snapshot());
    sequencer.renew();

    expect(next(sequencer, 'p')).toEqual(['boot.1', 1, 0]);
  });
});
