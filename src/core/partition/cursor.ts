import type { Anchor } from './anchor.ts';
import type { FormerLayout } from './former-layout.ts';
import { type ClockState, clockStart } from './partition-clock.ts';
import type { PositionRow } from './positions.ts';

/** What a partition knows beside its states and ids, rewritten whole with every commit. */
export interface Cursor {
  /** The hash of the configuration that the states were computed under. */
  readonly config: string | null;
  readonly clock: ClockState;
  readonly anchor: Anchor | null;
  readonly listeners: readonly PositionRow[];
  /** Layouts before this one, of which ids are still known. */
  readonly former?: readonly FormerLayout[];
}

export const emptyCursor: Cursor = { config: null, clock: clockStart, anchor: null, listeners: [] };
