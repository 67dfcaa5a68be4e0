import type { TurnSettings } from './host-turn.ts';

/** How the partitions of the hosts judge. */
export interface LivenessSettings extends TurnSettings {
  /** Every change of a status goes out by itself, too, for who keeps them elsewhere. */
  readonly tellsStates: boolean;
}

export const defaultSettings: LivenessSettings = {
  slackMs: 10_000,
  firstReportMs: 120_000,
  recoverAfter: 1,
  recoverAfterFlapping: 2,
  tellsStates: true,
};
