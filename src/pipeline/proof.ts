import type { Delivery, Input } from '../inputs/input.ts';
import { classify } from '../model/faults.ts';
import { crashPoint } from './crash-point.ts';
import type { Intake } from './intake.ts';
import { Room } from './room.ts';
import type { Sequencer } from './sequencer.ts';
import type { Tally } from './tally.ts';

interface ProofDeps {
  readonly input: Pick<Input, 'prove'>;
  readonly intake: Pick<Intake<Delivery>, 'delivered'>;
  readonly sequencer: Sequencer;
  readonly tally: Tally;
}

/** That what was settled is known to be, at its source. */
export interface Proof {
  /** `through`: how many of all that were delivered are. */
  settled(through: number): void;
  finished(hard: AbortSignal): Promise<void>;
}

/**
 * One proof under way at a time; what was settled when it began is proven when it ends.
 *
 * `settlements_lost` says that what was delivered before may come again at any time, however often it is settled: the numbers it got
 * are never proven. That holds for what still waits in the intake or in later portions too, so only once all of it is through does a new
 * boot id begin.
 * What failed otherwise is made up for by the next proof.
 */
export function createProof(deps: ProofDeps): Proof {
  const quiet = new Room();
  let underWay = false;
  let lostUpTo: number | null = null;
  const begin = async () => {
    const snapshot = deps.sequencer.snapshot();
    underWay = true;
    try {
      await deps.input.prove();
      crashPoint('after-raw-ack');
      deps.sequencer.proved(snapshot);
    } catch (error) {
      deps.tally.unproven += 1;
      if (classify(error).code === 'settlements_lost') lostUpTo = deps.intake.delivered;
    }
    underWay = false;
    quiet.open();
  };
  return {
    settled: (through) => {
      if (underWay) return;
      if (lostUpTo === null) return void begin();
      if (through < lostUpTo) return;
      deps.sequencer.renew();
      lostUpTo = null;
    },
    // Whoever must leave goes unproven: ids are kept longer then.
    finished: (hard) => quiet.wait(hard, () => !underWay),
  };
}
