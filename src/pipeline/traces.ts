import { charCodeAt } from '../model/char-code-at.ts';

/** One step of notifications on their way, but for the time: shared by all that took the same. */
export interface TraceFacts {
  readonly step: 'received' | 'appended' | 'accepted' | 'committed' | 'published' | 'dead letter';
  readonly input?: string;
  readonly origin?: string;
  readonly sink?: string;
  readonly unit?: string;
  readonly epoch?: number;
  readonly version?: number;
  readonly publisher?: string;
  readonly detail?: string;
}

export interface TraceStep extends TraceFacts {
  /** Epoch ms, by the clock of the agent. */
  readonly at: number;
}

const noSteps = 32_768;

/**
 * The latest steps of all notifications that went through this process, so that one can be asked for after the fact. A ring of fixed
 * size: the hash of an id (two 32-bit hashes, together 53 bits), the time and the facts, 24 bytes beside the facts, which many share. The id itself is
 * not kept, since a part of a text keeps the whole message it was cut from.
 */
export class Traces {
  readonly #hashes: Float64Array;
  readonly #times: Float64Array;
  readonly #facts: (TraceFacts | undefined)[];
  #next = 0;

  constructor(size = noSteps) {
    this.#hashes = new Float64Array(size);
    this.#times = new Float64Array(size);
    this.#facts = new Array<TraceFacts | undefined>(size).fill(undefined);
  }

  /** `facts`: the same object for steps that are alike. One for each would be most of what notifications leave behind (decision 13). */
  note(id: string, at: number, facts: TraceFacts): void {
    this.#hashes[this.#next] = hashOf(id);
    this.#times[this.#next] = at;
    this.#facts[this.#next] = facts;
    this.#next = this.#next + 1 === this.#facts.length ? 0 : this.#next + 1;
  }

  /** What is still known of it, in order of time. `#1`, … stand for further sources of a sink that took it too. */
  find(id: string): readonly TraceStep[] {
    const wanted = new Set([id, ...Array.from({ length: mostSources }, (_, n) => `${id}#${n + 1}`)].map(hashOf));
    const found = this.#facts.flatMap((facts, index) =>
      facts !== undefined && wanted.has(this.#hashes[index] as number) ? [{ at: this.#times[index] as number, ...facts }] : [],
    );
    return found.toSorted((a, b) => a.at - b.at);
  }
}

const mostSources = 32;

function hashOf(id: string): number {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  const { length } = id;
  for (let i = 0; i < length; i++) {
    const unit = charCodeAt(id, i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b) ^ (b >>> 13);
  }
  return (a >>> 0) * 2 ** 21 + ((b >>> 11) & 0x1fffff);
}
