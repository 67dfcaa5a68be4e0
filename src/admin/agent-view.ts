import type { z } from 'zod';
import type { Given } from '../lib/given.ts';
import type { LetterNow, LetterStats, letterFields, Overview, Point, WholeLetter } from './overview.ts';

/** Something the agent told, as its log has it: secrets in URLs are blackened. */
export interface Told {
  /** Counts up from 1 since the start of this process. */
  readonly id: number;
  readonly at: number;
  readonly name: string;
  readonly level: string;
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What is not given lets every letter through. Times are epoch ms. */
export interface LetterQuery extends Given<z.infer<z.ZodObject<typeof letterFields>>> {
  readonly limit: number;
  readonly ids?: readonly string[];
  readonly since?: number;
  readonly before?: number;
}

export type LiveNews =
  | { readonly kind: 'overview'; readonly overview: Overview }
  /** The stores do not answer. */
  | { readonly kind: 'stale'; readonly at: number }
  | { readonly kind: 'point'; readonly point: Point }
  | { readonly kind: 'told'; readonly told: Told };

/** What the admin server knows of the agent around it. Reading costs the agent one look at the stores, however many ask at once. */
export interface AgentView {
  /** Null when the stores do not answer. */
  overview(): Promise<Overview | null>;
  /** Oldest first. */
  history(): { readonly everyMs: number; readonly points: readonly Point[] };
  /** What was told lately, oldest first. */
  told(): readonly Told[];
  /** Hears what is new until the returned function is called. While anybody listens, the stores are looked at more often. */
  listen(heard: (news: LiveNews) => void): () => void;
  /** Newest first. */
  letters(query: LetterQuery): readonly LetterNow[];
  /** Machine and folder: agents that say the same share their dead letters. */
  readonly lettersKeptIn: string;
  letterStats(): LetterStats;
  letter(id: string): WholeLetter | null;
}
