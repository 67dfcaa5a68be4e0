import type { Position } from '../config/problem.ts';
import type { JsonObject } from '../model/json.ts';
import type { MockAnswer } from '../pipeline/mock-target.ts';

/** One case of a test file, checked and exact: numbers are what the file says, times are milliseconds. */
export interface TestCase {
  readonly title: string;
  readonly file: string;
  readonly at: Position;
  /** Epoch ms; null: so late that nothing given is from the future. */
  readonly clock: number | null;
  readonly given: readonly Given[];
  readonly expect: readonly Expected[];
  readonly unordered: boolean;
  /** Every number may be off by this share of it. Null: whole ones not at all, fractions in digits that nobody writes. */
  readonly within: number | null;
  /** Null: not compared. */
  readonly dropped: Counts | null;
  readonly deadLetters: Counts;
  readonly published: readonly ExpectedTarget[];
}

/** What a target of the sink gets, all of it and in order, and what it answers. */
export interface ExpectedTarget {
  readonly target: string;
  readonly at: Position;
  readonly expect: readonly Expected[];
  /** To the request at the same place; null: as one that takes it. Only servers for HTTP answer. */
  readonly answers: readonly (MockAnswer | null)[];
}

export type Counts = Readonly<Record<string, number>>;

export type Given =
  | { readonly kind: 'notification' | 'sample' | 'event'; readonly fields: JsonObject }
  /** A recorded notification, as an input would get it. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'pass'; readonly ms: number };

export interface Expected {
  readonly line: number;
  /** As on the wire; `traits` may be a mapping of names to values. */
  readonly fields: JsonObject;
}
