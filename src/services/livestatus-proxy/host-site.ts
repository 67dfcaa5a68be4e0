import { ownAnswers } from '../../core/livestatus/own-answers.ts';
import { quirksOf } from '../../core/livestatus/server-kind.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { Answerer } from './client.ts';
import { hostTables, type WatchedHost } from './host-tables.ts';
import type { Job } from './job.ts';
import { OwnSite } from './own-site.ts';
import { Reception } from './reception.ts';
import type { OwnSettings } from './settings.ts';

interface HostSiteOptions {
  /** All hosts, from where they are kept; rejects when that does not answer. */
  readonly look: () => Promise<readonly WatchedHost[]>;
  readonly version: string;
  readonly clock: Clock;
  readonly emit: Emit;
}

const graceMs = 1_000;
const sweepMs = 1_000;

/** Questions wait until the hosts are read; when they cannot be, the client is told so and not what was true before. */
class HostSite implements Answerer {
  readonly id: string;
  readonly quirks = quirksOf('own');
  readonly #options: HostSiteOptions;
  readonly #startedAt: number;
  readonly #waiting = new Set<Job>();

  constructor(id: string, options: HostSiteOptions) {
    this.id = id;
    this.#options = options;
    this.#startedAt = Math.floor(options.clock.now() / 1000);
  }

  submit(job: Job): void {
    this.#waiting.add(job);
    this.#options.look().then(
      (hosts) => {
        if (this.#waiting.delete(job)) this.#answer(job, hosts);
      },
      (error: unknown) => {
        if (this.#waiting.delete(job)) refuse(job, this.id, error);
      },
    );
  }

  cancel(job: Job): void {
    this.#waiting.delete(job);
  }

  #answer(job: Job, hosts: readonly WatchedHost[]): void {
    const { version, clock } = this.#options;
    const about = { version, startedAt: this.#startedAt, seenAt: Math.floor(clock.now() / 1000) };
    new OwnSite(this.id, hostTables(hosts, about)).submit(job);
  }
}

function refuse(job: Job, id: string, error: unknown): void {
  job.state = 'done';
  job.asker.refuse(ownAnswers.dead(id, error instanceof Error ? error.message : String(error)));
}

/** Listens until `close`. Throws a fatal Fault when it cannot. */
export async function serveHosts(
  { id, socket, limits }: OwnSettings,
  options: HostSiteOptions,
): Promise<{ readonly close: () => Promise<void> }> {
  const { clock, emit } = options;
  const reception = new Reception({ socket, tcp: null, limits, answerer: new HostSite(id, options), clock, emit });
  await reception.open();
  const stopping = new AbortController();
  const sweeping = (async () => {
    while (!stopping.signal.aborted) {
      reception.sweep(clock.monotonic());
      await clock.sleep(sweepMs, stopping.signal).catch(() => undefined); // stopped
    }
  })();
  return {
    close: async () => {
      stopping.abort(new Error('stopped'));
      await reception.closeDoors();
      await reception.empty(graceMs);
      await sweeping;
    },
  };
}
