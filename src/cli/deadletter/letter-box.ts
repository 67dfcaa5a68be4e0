import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentConfig } from '../../config/agent-config.ts';
import { systemClock } from '../../lib/clock.ts';
import {
  type ChooseOptions,
  type Chosen,
  type DeadLetterStats,
  DeadLetters,
  type StoredLetter,
} from '../../pipeline/dead-letters.ts';
import type { LetterFilter } from '../../pipeline/letter-filter.ts';
import { CliFailure } from '../failure.ts';

/** The dead letters of one data directory, wherever it is. */
export interface LetterBox {
  list(
    filter: LetterFilter,
    limit: number,
  ): Promise<{ readonly letters: readonly StoredLetter[]; readonly stats: DeadLetterStats }>;
  get(id: string): Promise<StoredLetter | undefined>;
  chooseForRetry(filter: LetterFilter, options: ChooseOptions): Promise<Chosen>;
  chooseForDrop(filter: LetterFilter, options: ChooseOptions): Promise<Chosen>;
  retry(ids: readonly string[]): Promise<number>;
  drop(ids: readonly string[]): Promise<number>;
  /** How many of them still wait for their retry, and how many are letters still. */
  progress(ids: readonly string[]): Promise<{ readonly waiting: number; readonly letters: number }>;
  close(): Promise<void>;
}

/** Beside whatever agents run on it, or none. */
export async function openLocalBox(config: AgentConfig): Promise<LetterBox> {
  const directory = join(config.dataDir, 'dead-letters');
  if (!existsSync(join(directory, 'data.mdb'))) throw new CliFailure(`no agent has run on ${config.dataDir} yet`);
  const log = await DeadLetters.open({ directory, clock: systemClock });
  return {
    list: async (filter, limit) => ({ letters: log.list({ ...filter, limit }), stats: log.stats() }),
    get: async (id) => log.get(id),
    chooseForRetry: async (filter, options) => log.chooseForRetry(filter, options),
    chooseForDrop: async (filter, options) => log.chooseForDrop(filter, options),
    retry: (ids) => log.requestRetry(ids),
    drop: (ids) => log.remove(ids),
    progress: async (ids) => ({
      waiting: log.waitingForRetry(ids),
      letters: ids.filter((id) => log.get(id) !== undefined).length,
    }),
    close: () => log.close(),
  };
}
