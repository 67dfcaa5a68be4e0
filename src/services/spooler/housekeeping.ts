import type { Clock } from '../../lib/clock.ts';
import { takeSpoolFiles } from './spool-files.ts';
import type { Spooler, SpoolerEvent } from './spooler.ts';
import { readStatus, writeStatusFiles } from './status-file.ts';

export interface HousekeepingOptions {
  readonly spooler: Spooler;
  readonly statusFile: string;
  /** Where Checkmk spools. */
  readonly filesFolder: string | undefined;
  readonly version: string;
  readonly clock: Clock;
  readonly report: (event: SpoolerEvent) => void;
}

const shortestPauseMs = 100;
const longestPauseMs = 1_000;

/**
 * What is done every second beside the connections: what is deferred comes back, files are taken in, old ids are forgotten; and every few
 * seconds the status is written.
 */
export async function keepHouse(options: HousekeepingOptions, soft: AbortSignal): Promise<void> {
  const { spooler, clock } = options;
  const startedMs = clock.now();
  const everyMs = Math.max(shortestPauseMs, spooler.settings.status_interval * 1000);
  const { place } = spooler;
  let failing = false;
  for (let writeAt = clock.monotonic(); ; ) {
    try {
      await place.spool.retryDue();
      if (options.filesFolder !== undefined) await takeSpoolFiles({ folder: options.filesFolder, place, clock });
      while (!soft.aborted && (await place.arrivals.forget()));
      if (soft.aborted || clock.monotonic() >= writeAt) {
        writeAt = clock.monotonic() + everyMs;
        await writeStatusFiles(options.statusFile, readStatus(spooler, options.version, startedMs, clock.now()));
      }
      failing = false;
    } catch (error) {
      // A full disk: told once, tried again. Connections and their acknowledgements find out by themselves.
      if (!failing) options.report({ kind: 'cannot_write', error });
      failing = true;
    }
    if (soft.aborted) return;
    await clock.sleep(Math.min(everyMs, longestPauseMs), soft).catch(() => undefined); // leaving is told by the signal
  }
}
