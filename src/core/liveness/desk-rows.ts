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
  /** Held since a storm was told that covers it by its `due`: it is not in that one, and says so itself when it is in another. */
  readonly apart?: true;
}

export interface StormRow {
  readonly group: string;
  readonly since: number;
  readonly due: number;
  /**
   * Hosts of its group whose hold ends by then (partition ms) went down with it: their rows still say `held`. A storm of a hundred thousand hosts
   * is told with one row written, and not with all of theirs.
   */
  readonly covers?: number;
}

/** What is known beside the rows of a partition, and made of them again after a restart: the earliest look, and the storms among them. */
interface Beside {
  at: number;
  readonly storms: Map<string, StormRow>;
}
const besides = new WeakMap<States<JsonObject>, Beside>();

/** Whom a row that says `held` went down with; null: with nobody so far. */
export function stormOf({ phase, due, fact, apart }: HostRow, storms: ReadonlyMap<string, StormRow>): string | null {
  if (phase !== 'held' || apart === true) return null;
  let [found, least]: [string | null, number] = [null, Number.POSITIVE_INFINITY];
  for (const [id, { group, covers = 0 }] of storms)
    if (due <= covers && covers < least && isOf(fact, group)) [found, least] = [id, covers];
  return found;
}

/** `*`: everybody. */
function isOf({ groups }: Pick<Fact, 'groups'>, group: string): boolean {
  return group === '*' || group === (groups[0] ?? '');
}

/**
 * The rows of who announces, with what is changed in one call: `n:<host>` the last number seen (but for that of going down), `h:<host>` who is down, `a:<host>` who is attached
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
    besides.delete(rows);
  }

  get nextLook(): number {
    return this.#beside().at;
  }

  lookAgain(at: number): void {
    const beside = this.#beside();
    beside.at = Math.min(beside.at, at);
  }

  /** Before a pass, which says anew when to look. */
  lookNoMore(): void {
    this.#beside().at = Number.POSITIVE_INFINITY;
  }

  get(key: string): JsonObject | undefined {
    const changed = this.#changed.get(key);
    return changed === undefined ? this.#rows.get(key) : (changed ?? undefined);
  }

  put(key: string, row: JsonObject | null): void {
    this.#changed.set(key, row);
  }

  host(host: string): HostRow | undefined {
    const row = this.get(`h:${host}`) as HostRow | undefined;
    return row === undefined ? undefined : this.#seen(row);
  }

  putHost(host: string, row: HostRow | null): void {
    this.put(`h:${host}`, row as unknown as JsonObject | null);
    if (row !== null) this.lookAgain(row.due);
  }

  /** Until `due`, and in no storm that was told before. */
  putHeld(host: string, { fact }: Pick<HostRow, 'fact'>, due: number): void {
    const row: HostRow = { phase: 'held', fact, due, storm: null };
    this.putHost(host, stormOf(row, this.#beside().storms) === null ? row : { ...row, apart: true });
  }

  /** In the order of their names, so that what is told does not depend on where rows stood in a store. */
  hosts(phase: Phase): [string, HostRow][] {
    const found: [string, HostRow][] = [];
    for (const [host, row] of this.allHosts()) if (row.phase === phase) found.push([host, row]);
    return found.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  *allHosts(): Generator<[string, HostRow]> {
    for (const [host, row] of this.#of<HostRow>('h:')) yield [host, this.#seen(row)];
  }

  silences(): readonly Silence[] {
    return (this.get('s')?.['list'] ?? []) as unknown as readonly Silence[];
  }

  putSilences(list: readonly Silence[]): void {
    this.put('s', { list } as unknown as JsonObject);
  }

  storms(): readonly (readonly [string, StormRow])[] {
    return [...this.#beside().storms];
  }

  storm(id: string): StormRow | undefined {
    return this.#beside().storms.get(id);
  }

  putStorm(id: string, row: StormRow | null): void {
    this.put(`g:${id}`, row as unknown as JsonObject | null);
    const { storms } = this.#beside();
    if (row === null) storms.delete(id);
    else storms.set(id, row);
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

  #seen(row: HostRow): HostRow {
    const storm = row.phase === 'held' ? stormOf(row, this.#beside().storms) : null;
    return storm === null ? row : { ...row, phase: 'stormed', due: never, storm };
  }

  #beside(): Beside {
    let beside = besides.get(this.#rows);
    if (beside === undefined) {
      beside = { at: 0, storms: new Map(this.#of<StormRow>('g:')) };
      besides.set(this.#rows, beside);
    }
    return beside;
  }
}

/** JSON has no infinity. */
export const never = Number.MAX_SAFE_INTEGER;
