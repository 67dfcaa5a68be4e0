import type { Arrival, Arrivals } from './arrivals.ts';

export interface SinkDeskOptions {
  readonly arrivals: Arrivals;
  readonly wake: () => void;
  /** Writing failed: everything that waits stays, nothing is acknowledged. */
  readonly onFailure: (error: unknown) => void;
}

interface Gathered {
  readonly arrivals: readonly Arrival[];
  readonly flushed: () => void;
}

const mostWaitingBytes = 16 * 1024 * 1024;

/**
 * Gathers what the connections bring in one turn and writes it in one go: what came while the disk was busy shares the next flush. An
 * acknowledgement goes out after the flush. At the bound of the disk everything waits, unacknowledged, and reading stops at 16 MiB.
 */
export class SinkDesk {
  readonly #options: SinkDeskOptions;
  #gathered: Gathered[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;
  #blocked = false;

  constructor(options: SinkDeskOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#bytes >= mostWaitingBytes;
  }

  get idle(): boolean {
    return this.#gathered.length === 0 && this.#writing === undefined;
  }

  gather(arrivals: readonly Arrival[], flushed: () => void): void {
    this.#gathered.push({ arrivals, flushed });
    for (const arrival of arrivals) this.#bytes += arrival.entry.length;
  }

  /** Looks whether there is room again; true: there is something to write. */
  look(): boolean {
    this.#blocked = this.#gathered.length > 0 && this.#options.arrivals.full;
    return !this.#blocked && this.#gathered.length > 0;
  }

  /** Writes what was gathered, unless it writes already. */
  write(): Promise<void> {
    if (this.#writing === undefined && this.#gathered.length > 0 && !this.#blocked) {
      this.#writing = this.#write().finally(() => {
        this.#writing = undefined;
        this.#options.wake();
      });
    }
    return this.#writing ?? Promise.resolve();
  }

  async #write(): Promise<void> {
    if (this.look() === false) return;
    const written = this.#gathered;
    const bytes = this.#bytes;
    this.#gathered = [];
    try {
      await this.#options.arrivals.take(written.flatMap((one) => one.arrivals));
    } catch (error) {
      this.#gathered = [...written, ...this.#gathered];
      this.#blocked = true; // until the next look
      this.#options.onFailure(error);
      return;
    }
    this.#bytes -= bytes;
    for (const { flushed } of written) flushed();
  }
}
