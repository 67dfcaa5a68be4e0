import type { Table } from '../../lib/lmdb-environment.ts';

/** Whole numbers that outlive the process. Written inside the transaction of what they count, so they are never beside it. */
export class Counters {
  readonly #table: Table<string>;

  constructor(table: Table<string>) {
    this.#table = table;
  }

  get(name: string): number {
    return Number(this.#table.get(name) ?? '0');
  }

  set(name: string, value: number): void {
    this.#table.put(name, String(value));
  }

  add(name: string, by: number): void {
    this.set(name, this.get(name) + by);
  }
}
