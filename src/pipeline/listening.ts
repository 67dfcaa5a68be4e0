import type { SinkConfig } from '../config/sink-config.ts';
import type { Converter } from '../core/convert/converter.ts';
import type { Router } from '../core/route/router.ts';
import type { Clock } from '../lib/clock.ts';
import { orAborted } from '../lib/or-aborted.ts';
import { endsWithin } from '../lib/or-late.ts';
import type { ListenerSink } from './work.ts';

/** What a listener does with a notification; replaced as a whole when the configuration is loaded anew. */
export interface Listening {
  readonly converter: Converter;
  /** Of the sinks, in the order of `sinks`. */
  readonly configs: readonly SinkConfig[];
  readonly router: Router;
  /** Where reports of hosts go; null where nobody is expected to report. */
  readonly reports?: Router | null;
  readonly sinks: readonly ListenerSink[];
  readonly limits: ListenerLimits;
  /** A batch waits for more only if the one before held at least so many: a trickle that nobody gathers for goes on at once. */
  readonly lingerFrom: number;
}

export interface ListenerLimits {
  readonly maxMessageBytes: number;
  readonly maxDepth: number;
  /** UTF-16 units of one text. */
  readonly maxString: number;
  readonly maxSamplesPerNotification: number;
}

/** One batch on its way through what was current when it began. */
export interface Use {
  readonly value: Listening;
  /** It takes too long for those who wait to change it: give the batch back, it comes again under what is current then. */
  readonly cutOff: AbortSignal;
  leave(): void;
}

/**
 * What is current, shared by all listeners of a process. A batch is read, appended and published under one of them, never half under
 * each: who changes it waits until nobody is inside, and who would enter waits meanwhile.
 */
export class CurrentListening {
  #value: Listening;
  #cutOff = new AbortController();
  #inside = 0;
  #onEmpty: (() => void) | null = null;
  #closed: Promise<unknown> | null = null;

  constructor(value: Listening) {
    this.#value = value;
  }

  get value(): Listening {
    return this.#value;
  }

  /** Throws the signal's reason. */
  async enter(signal: AbortSignal): Promise<Use> {
    while (this.#closed !== null) await orAborted(this.#closed, signal);
    this.#inside += 1;
    let isInside = true;
    return {
      value: this.#value,
      cutOff: this.#cutOff.signal,
      leave: () => {
        if (!isInside) return;
        isInside = false;
        this.#inside -= 1;
        if (this.#inside === 0) this.#onEmpty?.();
      },
    };
  }

  /**
   * While `make` runs nobody is inside; what it returns is current afterwards. Batches that are not through after `patienceMs` are given back. When
   * it throws, everything stays as it was.
   */
  async change(clock: Clock, patienceMs: number, make: () => Promise<Listening>): Promise<void> {
    let reopen = () => {};
    this.#closed = new Promise<void>((resolve) => {
      reopen = resolve;
    });
    try {
      const empty = new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
        if (this.#inside === 0) resolve();
      });
      if (!(await endsWithin(clock, patienceMs, empty))) this.#cutOff.abort(new Error('the configuration is being changed'));
      await empty;
      this.#cutOff = new AbortController();
      this.#value = await make();
    } finally {
      this.#onEmpty = null;
      this.#closed = null;
      reopen();
    }
  }
}
