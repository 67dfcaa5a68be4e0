import type { TurnSettings } from './host-turn.ts';

/** How the partitions of the hosts judge. */
export type LivenessSettings = TurnSettings;

export const defaultSettings: LivenessSettings = {
  slackMs: 10_000,
  firstReportMs: 120_000,
  recoverAfter: 1,
  recoverAfterFlapping: 2,
};
