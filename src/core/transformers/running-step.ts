import type { Item } from '../../model/item.ts';
import { canonicalParts } from '../../model/stable-hash.ts';
import type { InTurns } from '../in-turns.ts';
import { DueQueue } from './due-queue.ts';
import { KeyTable } from './key-table.ts';
import { splitParts } from './key-text.ts';
import type {
  AnyTransformer,
  Drop,
  Failure,
  KeyedResult,
  KeyedTransformer,
  Output,
  States,
  TableResult,
  TableTransformer,
  Time,
} from './transformer.ts';

/** What a step sent on, whatever its scope. */
export interface Sent {
  readonly out: readonly Output[];
  readonly dropped?: readonly Drop[];
  readonly failed?: Failure;
}

/** One step of a chain with its states: the scopes of the contract behind one face. */
export interface RunningStep {
  readonly path: string;
  /** Of its states in the store. It names the transformer: a step that takes another's place must not read what that one wrote. */
  readonly prefix: string;
  readonly table: KeyTable | null;
  readonly needsTime: boolean;
  readonly delayMs: number;
  /** An item came in since the last flush. */
  fed: boolean;
  step(item: Item, time: Time): Sent;
  flush(time: Time): Sent | null;
  /** Takes the next key out of the queue; `due` then must be called for it. */
  takeDue(time: Time): string | undefined;
  due(key: string, time: Time): Sent;
  sweep(time: Time): void;
  resuming(): InTurns;
}

/** `place` is where it stands in its chain, `0`, `1`, …: with the name it is the step's path, which its outputs' ids are made of. */
export function runningStep(transformer: AnyTransformer, parameters: unknown, place: string): RunningStep {
  const path = `${place}/${transformer.name}`;
  const prefix = `${path}/`;
  if (transformer.scope === 'key') return new KeyedStep(transformer, parameters, prefix, path);
  if (transformer.scope === 'partition') return new TableStep(transformer, parameters, prefix, path);
  return {
    path,
    prefix,
    table: null,
    needsTime: false,
    delayMs: 0,
    fed: false,
    step: (item) => transformer.step(parameters, item),
    flush: () => null,
    takeDue: () => undefined,
    due: () => nothing,
    sweep: () => undefined,
    resuming: function* () {},
  };
}

/** So many states are parsed in a turn: some 10 µs each. */
const keysPerTurn = 200;

const nothing: Sent = Object.freeze({ out: Object.freeze([]) });

// biome-ignore lint/suspicious/noExplicitAny: parameters and state are hidden in the registry; the transformer's own schemas parsed both.
type Hidden = any;

class KeyedStep implements RunningStep {
  readonly path: string;
  readonly prefix: string;
  readonly table: KeyTable;
  readonly needsTime: boolean;
  readonly delayMs: number;
  fed = false;
  readonly #transformer: KeyedTransformer<Hidden, Hidden>;
  readonly #parameters: unknown;
  readonly #idleMs: number | undefined;
  readonly #maxKeys: number;
  readonly #due: { readonly partition: DueQueue; readonly watermark: DueQueue } | null;
  #sweptAt = 0;

  constructor(transformer: KeyedTransformer<Hidden, Hidden>, parameters: unknown, prefix: string, path: string) {
    this.#transformer = transformer;
    this.#parameters = parameters;
    this.path = path;
    this.prefix = prefix;
    this.delayMs = transformer.delayMs?.(parameters) ?? 0;
    this.#idleMs = transformer.idleAfterMs?.(parameters);
    this.table = new KeyTable(transformer.State, path, this.#idleMs !== undefined);
    this.#maxKeys = transformer.maxKeys?.(parameters) ?? Number.POSITIVE_INFINITY;
    this.#due = transformer.deadline === undefined ? null : { partition: new DueQueue(), watermark: new DueQueue() };
    this.needsTime = this.#due !== null || this.#idleMs !== undefined || transformer.needsTime?.(parameters) === true;
  }

  step(item: Item, time: Time): Sent {
    const parts = this.#transformer.key(this.#parameters, item);
    if (parts === null) return { out: [{ item }] };
    const key = canonicalParts(parts);
    const state = this.#live(key, time);
    if (state === undefined) this.#makeRoom();
    const result = this.#transformer.step(this.#parameters, state, item, time);
    this.#write(key, state, result, time);
    return result;
  }

  #makeRoom(): void {
    if (this.table.size < this.#maxKeys) return;
    const first = this.#due?.partition.takeFirst();
    if (first !== undefined) this.table.delete(first);
  }

  /** The key's state, unless nobody touched it for longer than it may idle: whether it was swept already must not matter. */
  #live(key: string, time: Time): unknown {
    const state = this.table.get(key);
    if (state === undefined || this.#idleMs === undefined) return state;
    return this.table.mark(key) < idleLimit(time, this.#idleMs) ? undefined : state;
  }

  #write(key: string, before: unknown, result: KeyedResult<unknown>, time: Time): void {
    const { state } = result;
    if (state === null) {
      this.table.delete(key);
      if (this.#due !== null) this.#schedule(key, null);
      return;
    }
    const mark = this.#idleMs === undefined ? 0 : Math.floor(time.partition / 1_000);
    if (state !== before || mark !== this.table.mark(key)) this.table.set(key, state, mark);
    if (this.#due !== null) this.#schedule(key, state);
  }

  #schedule(key: string, state: unknown): void {
    const { partition, watermark } = this.#due as { partition: DueQueue; watermark: DueQueue };
    const deadline = state === null ? null : this.#transformer.deadline?.(this.#parameters, state);
    if (deadline?.clock === 'partition') partition.set(key, deadline.at);
    else partition.delete(key);
    if (deadline?.clock === 'watermark') watermark.set(key, deadline.at);
    else watermark.delete(key);
  }

  flush(): null {
    return null;
  }

  takeDue(time: Time): string | undefined {
    if (this.#due === null) return undefined;
    return this.#due.watermark.takeDue(time.watermark) ?? this.#due.partition.takeDue(time.partition);
  }

  due(key: string, time: Time): Sent {
    const state = this.#live(key, time);
    if (state === undefined || this.#transformer.due === undefined) return nothing;
    const result = this.#transformer.due(this.#parameters, state, splitParts(key), time);
    this.#write(key, state, result, time);
    // A deadline that stays where it was would be due for ever: such a key rests until its state changes.
    const next = result.state === null ? null : this.#transformer.deadline?.(this.#parameters, result.state);
    if (next != null && next.at <= time[next.clock]) this.#due?.[next.clock].delete(key);
    return result;
  }

  sweep(time: Time): void {
    if (this.#idleMs === undefined || time.partition === this.#sweptAt) return;
    this.#sweptAt = time.partition;
    this.table.sweep(16 + Math.ceil(this.table.size / 100), idleLimit(time, this.#idleMs));
  }

  *resuming(): InTurns {
    if (this.#due === null) return;
    let read = 0;
    for (const key of this.table.keys()) {
      this.#schedule(key, this.table.get(key));
      read += 1;
      if (read % keysPerTurn === 0) yield;
    }
  }
}

function idleLimit(time: Time, idleMs: number): number {
  return Math.floor((time.partition - idleMs) / 1_000);
}

class TableStep implements RunningStep {
  readonly path: string;
  readonly prefix: string;
  readonly table: KeyTable;
  readonly needsTime: boolean;
  readonly delayMs = 0;
  fed = false;
  readonly #transformer: TableTransformer<Hidden, Hidden>;
  readonly #parameters: unknown;
  readonly #states: States<unknown>;
  #nextPlace = 0;

  constructor(transformer: TableTransformer<Hidden, Hidden>, parameters: unknown, prefix: string, path: string) {
    this.#transformer = transformer;
    this.#parameters = parameters;
    this.path = path;
    this.prefix = prefix;
    this.needsTime = transformer.needsTime?.(parameters) === true;
    const table = new KeyTable(transformer.State, path, true);
    this.table = table;
    this.#states = {
      get: (key) => table.get(key),
      entries: function* () {
        for (const key of table.keys()) yield [key, table.get(key)];
      },
      get size() {
        return table.size;
      },
    };
  }

  step(item: Item, time: Time): Sent {
    const result = this.#transformer.step(this.#parameters, this.#states, item, time);
    this.#write(result);
    return result;
  }

  flush(time: Time): Sent | null {
    const result = this.#transformer.flush?.(this.#parameters, this.#states, time);
    if (result === undefined) return null;
    this.#write(result);
    return result;
  }

  #write({ writes }: TableResult<unknown>): void {
    for (const [key, state] of writes) {
      const before = this.table.get(key);
      if (state === null) this.table.delete(key);
      else if (before === undefined) this.table.set(key, state, this.#nextPlace++);
      else if (state !== before) this.table.set(key, state, this.table.mark(key));
    }
  }

  takeDue(): undefined {
    return undefined;
  }

  due(): Sent {
    return nothing;
  }

  sweep(): void {}

  *resuming(): InTurns {
    this.table.sortByMark();
    yield;
    for (const key of this.table.keys()) this.#nextPlace = Math.max(this.#nextPlace, this.table.mark(key) + 1);
  }
}
