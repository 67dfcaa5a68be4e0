import { join } from 'node:path';
import { SpoolerSchema, type SpoolerSettings } from '../../core/spool/settings.ts';
import type { Clock } from '../../lib/clock.ts';
import { LmdbEnvironment } from '../../lib/lmdb-environment.ts';
import { NotLocalDisk } from '../../lib/local-disk.ts';
import { Fault } from '../../model/faults.ts';
import { type Agreed, readAgreed, toAgreed, writeAgreed } from './agreed.ts';
import { Arrivals } from './arrivals.ts';
import { Corrupted } from './corrupted.ts';
import { Spool } from './spool.ts';

/** The spool of a site, both halves. Any number of processes may open it at once. */
export interface SpoolPlace {
  readonly spool: Spool;
  readonly arrivals: Arrivals;
  readonly corrupted: Corrupted;
  /** What the spooler said when it last started; the defaults before that. */
  agreed(): Agreed;
  close(): Promise<void>;
}

export interface SpoolPlaceOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Given by the spooler alone: from now on these hold for everybody. */
  readonly settings?: SpoolerSettings;
  /** Tests make the disk full here. */
  readonly beforeTransaction?: () => Promise<void> | void;
}

/** Throws `not_local_disk` (fatal) on NFS and the like. */
export async function openSpoolPlace({ dataDir, clock, settings, beforeTransaction }: SpoolPlaceOptions): Promise<SpoolPlace> {
  const env = await openFile(join(dataDir, 'spool'), clock, beforeTransaction);
  const table = env.textTable('counters');
  const defaults = toAgreed(settings ?? SpoolerSchema.parse({}));
  if (settings !== undefined) await env.transact(() => writeAgreed(table, defaults));
  const agreed = () => readAgreed(table) ?? defaults;
  return {
    spool: new Spool({ env, clock, agreed }),
    arrivals: new Arrivals({ env, clock, agreed }),
    corrupted: new Corrupted(env, clock),
    agreed,
    close: () => env.close(),
  };
}

async function openFile(
  directory: string,
  clock: Clock,
  before: (() => Promise<void> | void) | undefined,
): Promise<LmdbEnvironment> {
  try {
    return await LmdbEnvironment.open({ directory, clock, ...(before === undefined ? {} : { beforeTransaction: before }) });
  } catch (error) {
    if (error instanceof NotLocalDisk) throw new Fault('fatal', 'not_local_disk', error.message, { cause: error });
    throw error;
  }
}
