import type { Clock } from '../../lib/clock.ts';
import type { Spooler, SpoolerEvent } from './spooler.ts';
import { readStatus, writeStatusFiles } from './status-file.ts';

export interface HousekeepingOptions {
  readonly spooler: Spooler;
  readonly statusFile: string;
  readonly version: string;
  readonly clock: Clock;
  readonly report: (event: SpoolerEvent) => void;
}

const shortestPauseMs = 100;

/** What is done every few seconds beside the connections: the status is written, what is deferred comes back, old ids are forgotten. */
export async function keepHouse(options: HousekeepingOptions, soft: AbortSignal): Promise<void> {
  const { spooler, clock } = options;
  const startedMs = clock.now();
  const everyMs = Math.max(shortestPauseMs, spooler.settings.status_interval * 1000);
  let failing = false;
  for (;;) {
    try {
      await spooler.place.spool.retryDue();
      while (!soft.aborted && (await spooler.place.arrivals.forget()));
      await writeStatusFiles(options.statusFile, readStatus(spooler, options.version, startedMs, clock.now()));
      failing = false;
    } catch (error) {
      // A full disk: told once, tried again. Connections and their acknowledgements find out by themselves.
      if (!failing) options.report({ kind: 'cannot_write', error });
      failing = true;
    }
    if (soft.aborted) return;
    await clock.sleep(everyMs, soft).catch(() => undefined); // leaving is told by the signal
  }
}
