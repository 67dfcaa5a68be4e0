import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { ControlLog, ControlRecord } from '../../src/coordination/control-log.ts';

/** Stands in for the record on the bus, for tests that need no broker: one JSON file, changed by one process at a time. */
export class FileControlLog implements ControlLog {
  readonly #path: string;
  /** What a test lets go wrong before a change is durable. */
  beforeWrite: () => Promise<void> | void = () => undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<ControlRecord | null> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) as ControlRecord;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ENOENT') return null;
      throw error;
    }
  }

  async update(change: (current: ControlRecord | null) => ControlRecord): Promise<ControlRecord> {
    const lock = await this.#lock();
    try {
      const next = change(await this.read());
      await this.beforeWrite();
      await writeFile(`${this.#path}.new`, JSON.stringify(next));
      await rename(`${this.#path}.new`, this.#path);
      return next;
    } finally {
      await lock.close();
      await rm(`${this.#path}.lock`);
    }
  }

  async close(): Promise<void> {}

  async #lock() {
    for (;;) {
      try {
        return await open(`${this.#path}.lock`, 'wx');
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  }
}
