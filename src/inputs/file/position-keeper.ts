import { classify, type Fault } from '../../model/faults.ts';
import { type Position, writePosition } from './position.ts';

/**
 * Writes the newest position, one write at a time: what comes while a sync is under way is written by the next one, so the pace of
 * the disk is the batch. A failed write loses nothing (the position is only late); it is told, and the next note tries again.
 */
export class PositionKeeper {
  readonly #path: string | undefined;
  readonly #told: (fault: Fault | undefined) => void;
  #latest: Position | undefined;
  #running: Promise<void> | undefined;
  #fault: Fault | undefined;
  #closed = false;

  /** Without a path nothing is kept. `told` hears of the first failure, and of the recovery (`undefined`). */
  constructor(path: string | undefined, told: (fault: Fault | undefined) => void) {
    this.#path = path;
    this.#told = told;
  }

  note(position: Position): void {
    if (this.#closed) return;
    this.#latest = position;
    this.#running ??= this.#writeAll();
  }

  /** Resolves once everything noted so far is on disk; throws the Fault of the write that failed. */
  async flushed(): Promise<void> {
    if (this.#latest !== undefined) this.#running ??= this.#writeAll();
    await this.#running;
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Nothing is written any more: the next run may have begun, and a late settlement must not move its position. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #writeAll(): Promise<void> {
    try {
      for (let position = this.#latest; position !== undefined && this.#path !== undefined; position = this.#latest) {
        await writePosition(this.#path, position);
        if (this.#latest === position) this.#latest = undefined;
      }
      this.#heard(undefined);
    } catch (error) {
      this.#heard(classify(error));
    } finally {
      this.#running = undefined;
    }
  }

  #heard(fault: Fault | undefined): void {
    const news = (fault === undefined) !== (this.#fault === undefined);
    this.#fault = fault;
    if (news) this.#told(fault);
  }
}
