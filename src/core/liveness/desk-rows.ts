import type { JsonObject } from '../../model/json.ts';
import type { States } from '../transformers/transformer.ts';
import type { Fact } from './announcement.ts';
import type { Silence } from './silences.ts';

type Phase = 'held' | 'attached' | 'silenced' | 'told' | 'stormed' | 'rising';

export interface HostRow {
  readonly phase: Phase;
  readonly fact: Fact;
  /** Partition ms of the next look. */
  readonly due: number;
  readonly storm: string | null;
}

export interface StormRow {
  readonly group: string;
  readonly since: number;
  readonly due: number;
}

/** The earliest look of each partition, beside its rows; made of them again after a restart. */
const nextLooks = new WeakMap<States<JsonObject>, { at: number }>();

/**
 * The rows of who announces, with what is changed in one call: `n:<host>` the last number seen, `h:<host>` who is down, `a:<host>` who is attached
 * to it, `t:<host>…` services and triggers told, `g:<id>` storms, `s` silences, `f` how many hosts there are, `feed` since when time stood last.
 */
export class DeskRows {
  readonly #rows: States<JsonObject>;
  readonly #changed = new Map<string, JsonObject | null>();

  constructor(rows: States<JsonObject>) {
    this.#rows = rows;
  }

  /** Nothing of the last call was written: look at everything again. */
  static forget(rows: States<JsonObject>): void {
    nextLooks.delete(rows);
  }

  get nextLook(): number {
    return this.#look().at;
  }

  lookAgain(at: number): void {
    const look = this.#look();
    look.at = Math.min(look.at, at);
  }

  /** Before a pass, which says anew when to look. */
  lookNoMore(): void {
    this.#look().at = Number.POSITIVE_INFINITY;
  }

  get(key: string): JsonObject | undefined {
    const changed = this.#changed.get(key);
    return changed === undefined ? this.#rows.get(key) : (changed ?? undefined);
  }

  put(key: string, row: JsonObject | null): void {
    this.#changed.set(key, row);
  }

  host(host: string): HostRow | undefined {
    return this.get(`h:${host}`) as HostRow | undefined;
  }

  putHost(host: string, row: HostRow | null): void {
    this.put(`h:${host}`, row as unknown as JsonObject | null);
    if (row !== null) this.lookAgain(row.due);
  }

  /** In the order of their names, so that what is told does not depend on where rows stood in a store. */
  hosts(): [string, HostRow][] {
    return [...this.#of<HostRow>('h:')].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  silences(): readonly Silence[] {
    return (this.get('s')?.['list'] ?? []) as unknown as readonly Silence[];
  }

  putSilences(list: readonly Silence[]): void {
    this.put('s', { list } as unknown as JsonObject);
  }

  storms(): [string, StormRow][] {
    return [...this.#of<StormRow>('g:')];
  }

  get changes(): readonly (readonly [string, JsonObject | null])[] {
    return [...this.#changed];
  }

  *#of<T>(prefix: string): Generator<[string, T]> {
    for (const [key, row] of this.#rows.entries())
      if (key.startsWith(prefix) && !this.#changed.has(key)) yield [key.slice(prefix.length), row as T];
    for (const [key, row] of [...this.#changed])
      if (key.startsWith(prefix) && row !== null) yield [key.slice(prefix.length), row as T];
  }

  #look(): { at: number } {
    let look = nextLooks.get(this.#rows);
    if (look === undefined) {
      look = { at: 0 };
      nextLooks.set(this.#rows, look);
    }
    return look;
  }
}
