import type { ZodType } from 'zod';
import { Fault } from '../../model/faults.ts';
import type { Json } from '../../model/json.ts';
import type { InTurns } from '../in-turns.ts';
import { parseState, printState } from './state-text.ts';

/** A stored state not looked at since it was loaded: a million keys are loaded as text and parsed one by one when they are touched. */
class Unread {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * The states of one step in one partition. Keys are `canonicalParts` of the transformer's key. The stored text is
 * `[mark, state]`: for keyed state the mark is the second of partition time it was last touched in (0 where nothing idles out), for
 * rows of a table their place in insertion order, since a store gives rows back in any order.
 */
export class KeyTable {
  readonly #states = new Map<string, unknown>();
  readonly #marks: Map<string, number> | null;
  readonly #dirty = new Set<string>();
  readonly #schema: ZodType;
  readonly #step: string;
  #rolling: IterableIterator<string> | null = null;
  /** How many of the first of them the round that is walked still has to come to; null between two rounds. */
  #toRoll: number | null = null;
  /** While it is loaded: what the open round needs not come to any more. */
  #rolled: Map<string, Unread> | null = null;
  #sweeping: IterableIterator<string> | null = null;

  constructor(schema: ZodType, step: string, marked: boolean) {
    this.#schema = schema;
    this.#step = step;
    this.#marks = marked ? new Map() : null;
  }

  get size(): number {
    return this.#states.size;
  }

  get(key: string): unknown {
    const state = this.#states.get(key);
    return state instanceof Unread ? this.#read(key, state.text) : state;
  }

  mark(key: string): number {
    return this.#marks?.get(key) ?? 0;
  }

  set(key: string, state: unknown, mark: number): void {
    if (!this.#states.has(key)) inOnePiece(key);
    this.#states.set(key, state);
    this.#marks?.set(key, mark);
    this.#dirty.add(key);
  }

  delete(key: string): void {
    if (!this.#states.delete(key)) return;
    this.#marks?.delete(key);
    this.#dirty.add(key);
  }

  keys(): IterableIterator<string> {
    return this.#states.keys();
  }

  /** `rolled`: it stands in a commit of the open round. From the first of these on all are. `loaded` ends it. */
  load(key: string, text: string | null, rolled = false): void {
    if (rolled) {
      this.#rolled ??= new Map();
      this.#states.delete(key);
    }
    const states = this.#rolled ?? this.#states;
    if (text === null) {
      states.delete(key);
      this.#marks?.delete(key);
      return;
    }
    states.set(key, new Unread(text));
    // `[12,{…}]`: the mark is read without parsing the state.
    if (this.#marks !== null) this.#marks.set(key, Number.parseInt(text.slice(1, 20), 10));
  }

  /** What is still to be walked stands first, as what was there when a round began always does. */
  *loaded(): InTurns {
    if (this.#rolled === null) return;
    this.#toRoll = this.#states.size;
    for (const [key, state] of this.#rolled) {
      this.#states.set(key, state);
      if (this.#states.size % 1_000 === 0) yield;
    }
    this.#rolled = null;
  }

  /** Puts loaded rows into the order of their marks; an open round must come to all of them then. */
  sortByMark(): void {
    if (this.#toRoll !== null) this.#toRoll = this.#states.size;
    const keys = [...this.#states.keys()].sort((a, b) => this.mark(a) - this.mark(b));
    const states = keys.map((key) => this.#states.get(key));
    this.#states.clear();
    keys.forEach((key, i) => {
      this.#states.set(key, states[i]);
    });
  }

  #read(key: string, text: string): unknown {
    const pair = parseState(text) as readonly [number, Json];
    const parsed = this.#schema.safeParse(pair[1]);
    if (!parsed.success)
      throw new Fault('fatal', 'bad_state', `Step ${this.#step} cannot read the stored state of ${key}: ${parsed.error.message}`);
    this.#states.set(key, parsed.data);
    return parsed.data;
  }

  text(key: string): string {
    const state = this.#states.get(key);
    return state instanceof Unread ? state.text : printState([this.mark(key), state as Json]);
  }

  takeDirty(prefix: string, set: [string, string][], del: string[]): void {
    for (const key of this.#dirty) {
      if (this.#states.has(key)) set.push([prefix + key, this.text(key)]);
      else del.push(prefix + key);
    }
    this.#dirty.clear();
  }

  /**
   * Further rows of the current round, until there are `most`; true when it has ended here. It comes to every key that was there when it began and
   * lived on: those stand first, whatever was set since stands behind them and in a commit of this round.
   */
  roll(prefix: string, most: number, rows: [string, string][]): boolean {
    this.#rolling ??= this.#states.keys();
    let left = this.#toRoll ?? this.#states.size;
    for (; left > 0 && rows.length < most; left--) {
      const next = this.#rolling.next();
      if (next.done === true) left = 1;
      else rows.push([prefix + next.value, this.text(next.value)]);
    }
    const ended = left === 0;
    this.#toRoll = ended ? null : left;
    if (ended) this.#rolling = null;
    return ended;
  }

  /** Deletes up to `most` rows whose mark is below `least`; it only frees memory, since such a row already counts as absent. */
  sweep(most: number, least: number): void {
    if (this.#marks === null) return;
    this.#sweeping ??= this.#marks.keys();
    for (let i = 0; i < most; i++) {
      const next = this.#sweeping.next();
      if (next.done === true) {
        this.#sweeping = null;
        return;
      }
      if (this.mark(next.value) < least) this.delete(next.value);
    }
  }
}

/**
 * V8 keeps a joined text as a tree of its parts until somebody looks into it, and a `Map` hashes a key without doing so. Looking into
 * it once saves 77 B per key (276 → 199 at a million keys of rate_of_change).
 */
function inOnePiece(key: string): void {
  key.charCodeAt(0);
}
