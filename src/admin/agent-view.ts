import type { LetterNow, LetterStats, Overview, Point, WholeLetter } from './overview.ts';

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
  letters(query: { readonly limit: number; readonly reason?: string; readonly sink?: string }): readonly LetterNow[];
  letterStats(): LetterStats;
  letter(id: string): WholeLetter | null;
}
