import type { Delivery, Input, InputContext, InputKind } from '../inputs/input.ts';
import { linkedAbort } from '../lib/linked-abort.ts';
import type { DeadLetters, RetryRequest, StoredLetter } from '../pipeline/dead-letters.ts';
import { insist } from '../pipeline/insist.ts';
import type { Lane } from '../pipeline/lane.ts';
import { bodyOf, type WayAgain, wayAgain } from '../pipeline/letter-again.ts';
import type { Emit } from '../telemetry/events.ts';

const lookMs = 1_000;
const atOnce = 100;

export interface RetryParts {
  readonly deadLetters: DeadLetters;
  readonly emit: Emit;
  readonly hasSink: (sink: string) => boolean;
  readonly laneOf: (sink: string, publisher: string) => Lane | undefined;
}

/**
 * Dead letters that somebody wants tried again, as an input of our own. A request stands in the log until its letter is through: what the listener
 * settles, or the publisher accepts, leaves the log; what fails once more stays in it and has been seen once more. Broken off anywhere, the
 * same is done again under the same ids.
 */
export function letterRetries(parts: RetryParts): InputKind<null> {
  return {
    name: 'dead-letters',
    summary: 'Dead letters that are tried again.',
    open: async (_parameters, context) => new LetterRetries(parts, context),
  };
}

class LetterRetries implements Input {
  readonly #parts: RetryParts;
  readonly #context: InputContext;
  /** On its way, by id. */
  readonly #outstanding = new Set<string>();
  readonly #finishing = new Set<Promise<void>>();

  constructor(parts: RetryParts, context: InputContext) {
    this.#parts = parts;
    this.#context = context;
  }

  async run(): Promise<void> {
    const { clock, soft, hard } = this.#context;
    const either = linkedAbort(soft, hard);
    try {
      while (!either.signal.aborted) {
        await this.#takeUp(either.signal);
        await clock.sleep(lookMs, either.signal).catch(() => undefined); // we leave
      }
    } finally {
      either.release();
    }
    while (this.#outstanding.size > 0 && !hard.aborted) await clock.sleep(10, hard).catch(() => undefined); // we leave at once
    await this.prove();
  }

  async #takeUp(signal: AbortSignal): Promise<void> {
    const room = atOnce - this.#outstanding.size;
    if (room <= 0) return;
    const deliveries: Delivery[] = [];
    for (const { letter, request } of this.#parts.deadLetters.requested(room, this.#outstanding)) {
      const way = this.#wayOf(letter, request);
      if (way === null) continue;
      this.#outstanding.add(letter.id);
      if (way.kind === 'listener') deliveries.push(this.#toDelivery(letter, way));
      else void this.#publish(letter, way, signal);
    }
    if (deliveries.length > 0) await this.#context.deliver(deliveries);
  }

  #wayOf(letter: StoredLetter, request: RetryRequest): WayAgain | null {
    try {
      const way = wayAgain(letter, request);
      if (way.kind === 'listener' && way.again.kind === 'items' && !this.#parts.hasSink(way.again.sink))
        throw new Error(`there is no sink ${way.again.sink} any more`);
      if (way.kind === 'publisher' && this.#parts.laneOf(way.sink, way.publisher) === undefined)
        throw new Error(`the sink ${way.sink} has no publisher ${way.publisher} any more`);
      return way;
    } catch (error) {
      this.#finish(letter, error);
      return null;
    }
  }

  async #publish(letter: StoredLetter, way: Extract<WayAgain, { kind: 'publisher' }>, signal: AbortSignal): Promise<void> {
    const lane = this.#parts.laneOf(way.sink, way.publisher);
    await lane?.whenRoom(signal);
    // The target may have it: what refused it need not be what answered.
    const outcome = signal.aborted ? 'left' : await lane?.offer({ key: '', items: [way.item], replay: true });
    if (outcome === 'done') this.#finish(letter);
    else this.#outstanding.delete(letter.id);
  }

  #toDelivery(letter: StoredLetter, { again }: Extract<WayAgain, { kind: 'listener' }>): Delivery {
    let isOver = false;
    const end = (action: () => void) => () => {
      if (isOver) return;
      isOver = true;
      action();
    };
    return {
      body: bodyOf(letter),
      origin: letter.origin ?? 'dead letters',
      priority: undefined,
      redelivered: true,
      again,
      settle: end(() => this.#finish(letter)),
      giveBack: end(() => this.#outstanding.delete(letter.id)),
    };
  }

  #finish(letter: StoredLetter, refused?: unknown): void {
    this.#outstanding.add(letter.id);
    const { clock, hard } = this.#context;
    const { deadLetters, emit } = this.#parts;
    const finishing = insist(clock, hard, () => deadLetters.finishRetry(letter.id, refused !== undefined)).then(
      (left) => {
        const outcome = left ? 'given on' : refused === undefined ? 'failed again' : 'refused';
        const facts = { reason: letter.reason, outcome } as const;
        emit('deadletter:retried', refused === undefined ? facts : { ...facts, error: refused });
      },
      () => undefined, // we leave at once: the request stands, and the same is done once more
    );
    const over = finishing.finally(() => {
      this.#outstanding.delete(letter.id);
      this.#finishing.delete(over);
    });
    this.#finishing.add(over);
  }

  /** After it nothing that was settled comes again. */
  async prove(): Promise<void> {
    await Promise.all(this.#finishing);
  }

  async sendCanary(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {}
}
