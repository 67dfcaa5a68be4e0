import { setMaxListeners } from 'node:events';
import { linkedAbort } from '../../lib/linked-abort.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { Custody, Delivery, InputContext } from '../input.ts';
import { comeAgain } from './problem.ts';
import type { Part } from './request-body.ts';
import { SharedCustodies } from './shared-custody.ts';

type Outcome = 'no_room' | 'not_settled_yet' | 'given_back' | 'settled';

/** What a request says of all that is in it. */
interface Sender {
  readonly peer: string;
  readonly traceparent: string | undefined;
}

interface Limits {
  readonly prefetch: number;
  readonly roomTimeoutMs: number;
  readonly settleTimeoutMs: number;
}

/**
 * Hands the notifications of all requests to the listener within one bound, and tells each request what became of each of its own.
 * A request ends with every part settled, or with a Problem that lists the lines to send again. A line that is told "not
 * settled yet" may still have been made durable: sent again it is a duplicate with the same message id, which the partitions know.
 */
export class Intake {
  readonly #context: InputContext;
  readonly #limits: Limits;
  readonly #permits: Semaphore;
  /** One call of `deliver` at a time, whatever number of requests. */
  readonly #door = new Semaphore(1);
  readonly #failed = new AbortController();
  readonly #custodies: SharedCustodies;

  constructor(context: InputContext, limits: Limits) {
    this.#context = context;
    this.#limits = limits;
    this.#permits = new Semaphore(limits.prefetch);
    this.#custodies = new SharedCustodies(context.clock);
    // Every open request waits under them; that is many, not a leak.
    setMaxListeners(0, this.#failed.signal, context.soft, context.hard);
  }

  /** Aborts with what the listener threw. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Resolves when every part is settled; throws a 429 or 503 `Problem` otherwise. */
  async take(parts: readonly Part[], { peer, traceparent }: Sender): Promise<void> {
    const { clock, soft, hard } = this.#context;
    const outcomes: Outcome[] = parts.map(() => 'no_room');
    const answered = new AbortController();
    const { custody, end } = this.#custodies.now();
    const late = deadline(clock.sleep(this.#limits.settleTimeoutMs, answered.signal));
    const noRoom = deadline(clock.sleep(this.#limits.roomTimeoutMs, answered.signal));
    const leave = linkedAbort(late, hard, this.failed);
    const waiting = linkedAbort(leave.signal, noRoom, soft);
    try {
      const all = new Countdown(parts.length);
      await this.#handAll({ parts, peer, traceparent, outcomes, all, custody }, waiting.signal).catch((thrown: unknown) => {
        if (!waiting.signal.aborted) throw thrown;
      });
      await orAborted(all.done, leave.signal).catch(() => undefined); // the outcomes say what is missing
    } finally {
      answered.abort();
      leave.release();
      waiting.release();
    }
    if (outcomes.includes('not_settled_yet')) end();
    answer(outcomes, parts, soft.aborted);
  }

  /** Resolves when the listener holds nothing of ours any more. */
  idle(signal: AbortSignal): Promise<void> {
    return this.#permits.idle(signal);
  }

  async #handAll(request: Request, signal: AbortSignal): Promise<void> {
    const { parts, all } = request;
    for (let start = 0; start < parts.length; ) {
      let count = 0;
      try {
        count = await this.#permits.acquireUpTo(parts.length - start, signal);
        await this.#door.acquireUpTo(1, signal);
      } catch (thrown) {
        this.#permits.release(count);
        all.count(parts.length - start);
        throw thrown;
      }
      const from = start;
      const batch = parts.slice(from, from + count).map((part, index) => this.#deliveryOf(request, part, from + index));
      start += count;
      await this.#deliver(batch);
    }
  }

  async #deliver(batch: readonly Delivery[]): Promise<void> {
    try {
      await orAborted(this.#context.deliver(batch), this.#context.hard);
    } catch (thrown) {
      if (!this.#context.hard.aborted) this.#failed.abort(thrown);
    } finally {
      this.#door.release();
    }
  }

  #deliveryOf({ peer, traceparent, outcomes, all, custody }: Request, part: Part, index: number): Delivery {
    outcomes[index] = 'not_settled_yet';
    let open = true;
    const finish = (outcome: Outcome) => () => {
      if (!open) return;
      open = false;
      outcomes[index] = outcome;
      this.#permits.release();
      all.count(1);
    };
    const origin = `http:${peer}:${part.line}`;
    return {
      body: part.bytes,
      origin,
      priority: undefined,
      redelivered: false,
      traceparent,
      custody,
      settle: finish('settled'),
      giveBack: finish('given_back'),
    };
  }
}

/** One request on its way. */
interface Request extends Sender {
  readonly parts: readonly Part[];
  readonly outcomes: Outcome[];
  readonly all: Countdown;
  readonly custody: Custody;
}

class Countdown {
  readonly done: Promise<void>;
  #open: number;
  #resolve: () => void = () => {};

  constructor(from: number) {
    this.#open = from;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (from === 0) this.#resolve();
  }

  count(by: number): void {
    this.#open -= by;
    if (this.#open === 0) this.#resolve();
  }
}

/** Aborts when the sleep is over; never when it was cut short because the answer is there. */
function deadline(sleep: Promise<void>): AbortSignal {
  const controller = new AbortController();
  sleep.then(
    () => controller.abort(),
    () => undefined,
  );
  return controller.signal;
}

function answer(outcomes: readonly Outcome[], parts: readonly Part[], leaving: boolean): void {
  const failed = outcomes.flatMap((outcome, index) =>
    outcome === 'settled' ? [] : [{ line: parts[index]?.line, reason: outcome }],
  );
  if (failed.length === 0) return;
  const details = { accepted: outcomes.length - failed.length, failed };
  if (!leaving && failed.every((one) => one.reason === 'no_room'))
    throw comeAgain(429, 'there is no room for all of it now', details);
  throw comeAgain(503, leaving ? 'shutting down' : 'not everything is durable', details);
}
