import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentConfig } from '../../config/agent-config.ts';
import { systemClock } from '../../lib/clock.ts';
import { type Chosen, type DeadLetterStats, DeadLetters, type StoredLetter } from '../../pipeline/dead-letters.ts';
import type { LetterFilter } from '../../pipeline/letter-filter.ts';
import { CliFailure } from '../failure.ts';

/** Dead letters, wherever they are kept. */
export interface LetterBox {
  list(filter: LetterFilter, limit: number): Promise<Listed>;
  get(id: string): Promise<StoredLetter | undefined>;
  /** Has an agent try them again, the oldest first. Those that wait for it already are among them. */
  retry(filter: LetterFilter, options: RetryOptions): Promise<Asked>;
  drop(filter: LetterFilter, options: ChangeOptions): Promise<Asked>;
  /** How many of them still wait for their retry, and how many are letters still. */
  progress(ids: readonly string[]): Promise<{ readonly waiting: number; readonly letters: number }>;
  close(): Promise<void>;
}

/** `agents`: who keeps it, where several were asked, which say nothing of its body. */
export type ListedLetter = Omit<StoredLetter, 'body'> &
  Partial<Pick<StoredLetter, 'body'>> & { readonly agents?: readonly string[] };

export interface Listed {
  readonly letters: readonly ListedLetter[];
  readonly stats: DeadLetterStats;
}

export interface ChangeOptions {
  readonly limit?: number;
  /** Say which, and change nothing. */
  readonly dryRun: boolean;
}

export interface RetryOptions extends ChangeOptions {
  /** Also those that were tried again too often. */
  readonly force: boolean;
}

export interface Asked extends Chosen {
  readonly chosen: number;
  /** 0 for a dry run. */
  readonly changed: number;
}

/** Those of one data directory, beside whatever agents run on it, or none. */
export async function openLocalBox(config: AgentConfig): Promise<LetterBox> {
  const directory = join(config.dataDir, 'dead-letters');
  if (!existsSync(join(directory, 'data.mdb'))) throw new CliFailure(`no agent has run on ${config.dataDir} yet`);
  const log = await DeadLetters.open({ directory, clock: systemClock });
  const asked = async ({ ids, leftOut }: Chosen, { dryRun }: ChangeOptions, change: typeof log.remove): Promise<Asked> => ({
    ids,
    leftOut,
    chosen: ids.length,
    changed: dryRun ? 0 : await change(ids),
  });
  return {
    list: async (filter, limit) => ({
      letters: log.list({ ...filter, limit }),
      stats: log.stats(),
    }),
    get: async (id) => log.get(id),
    retry: (filter, options) => asked(log.chooseForRetry(filter, options), options, (ids) => log.requestRetry(ids)),
    drop: (filter, options) => asked(log.chooseForDrop(filter, options), options, (ids) => log.remove(ids)),
    progress: async (ids) => ({
      waiting: log.waitingForRetry(ids),
      letters: ids.filter((id) => log.get(id) !== undefined).length,
    }),
    close: () => log.close(),
  };
}
