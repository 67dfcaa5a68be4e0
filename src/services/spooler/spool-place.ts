import { join } from 'node:path';
import type { SpoolerSettings } from '../../core/spool/settings.ts';
import type { Clock } from '../../lib/clock.ts';
import { LmdbEnvironment } from '../../lib/lmdb-environment.ts';
import { NotLocalDisk } from '../../lib/local-disk.ts';
import { Fault } from '../../model/faults.ts';
import { Arrivals } from './arrivals.ts';
import { Spool } from './spool.ts';

/** Both halves of what is on disk. Any number of processes may open it at once. */
export interface SpoolPlace {
  readonly spool: Spool;
  readonly arrivals: Arrivals;
  close(): Promise<void>;
}

export interface SpoolPlaceOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly settings: Pick<SpoolerSettings, 'max_spool_bytes' | 'on_full' | 'remember'>;
  /** Tests make the disk full here. */
  readonly beforeTransaction?: () => Promise<void> | void;
}

/** Throws `not_local_disk` (fatal) on NFS and the like. */
export async function openSpoolPlace({ dataDir, clock, settings, beforeTransaction }: SpoolPlaceOptions): Promise<SpoolPlace> {
  const env = await openFile(join(dataDir, 'spool'), clock, beforeTransaction);
  const maxBytes = settings.max_spool_bytes;
  return {
    spool: new Spool({ env, clock, maxBytes, onFull: settings.on_full }),
    arrivals: new Arrivals({ env, clock, maxBytes, rememberMs: settings.remember * 1000 }),
    close: () => env.close(),
  };
}

async function openFile(directory: string, clock: Clock, before: (() => Promise<void> | void) | undefined): Promise<LmdbEnvironment> {
  try {
    return await LmdbEnvironment.open({ directory, clock, ...(before === undefined ? {} : { beforeTransaction: before }) });
  } catch (error) {
    if (error instanceof NotLocalDisk) throw new Fault('fatal', 'not_local_disk', error.message, { cause: error });
    throw error;
  }
}
