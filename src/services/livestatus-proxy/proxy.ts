import type { Clock } from '../../lib/clock.ts';
import type { Emit } from '../../telemetry/events.ts';
import { OwnSite } from './own-site.ts';
import { ownTables } from './own-tables.ts';
import { Reception } from './reception.ts';
import { ServedSite } from './served-site.ts';
import type { OwnSettings, SiteSettings } from './settings.ts';

export interface ProxyOptions {
  /** What `status` of the own site says. */
  readonly version: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
}

export interface Reloaded {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  readonly kept: readonly string[];
}

/** What runs when a proxy is asked to stop gets so long. */
const graceMs = 5_000;
const sweepMs = 1_000;

/** One socket per site, one event loop for all, and no lock: everything here happens in turns. */
export class LivestatusProxy {
  readonly #options: ProxyOptions;
  readonly #sites = new Map<string, ServedSite>();
  readonly #stopping = new AbortController();
  #sweeping: Promise<void> = Promise.resolve();
  #own: Reception | null = null;
  #stopped: Promise<void> | null = null;

  constructor(options: ProxyOptions) {
    this.#options = options;
  }

  get sites(): readonly ServedSite[] {
    return [...this.#sites.values()];
  }

  /** Opens every site; throws a fatal Fault when one cannot listen, with none left open. */
  async start(sites: readonly SiteSettings[], own: OwnSettings | null = null): Promise<void> {
    try {
      if (own !== null) await this.#openOwn(own);
      for (const settings of sites) this.#sites.set(settings.id, await ServedSite.open({ ...this.#options, settings }));
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#sweeping = this.#sweep();
  }

  /**
   * Goes over to other settings (the own site stays as it is). Sites whose settings are the same keep their channels, clients and everything that was learned; a
   * changed one is closed in order and opened anew; who waits for a removed one is told so. Throws when a site cannot listen; the
   * others then run on.
   */
  async reload(sites: readonly SiteSettings[]): Promise<Reloaded> {
    const wanted = new Map(sites.map((settings) => [settings.id, settings]));
    const same = (id: string) => JSON.stringify(wanted.get(id)) === JSON.stringify(this.#sites.get(id)?.settings);
    const before = [...this.#sites.keys()];
    const removed = before.filter((id) => !wanted.has(id));
    const changed = before.filter((id) => wanted.has(id) && !same(id));
    const kept = before.filter(same);
    const added = [...wanted.keys()].filter((id) => !this.#sites.has(id));
    await Promise.all([...removed, ...changed].map((id) => this.#close(id)));
    for (const id of [...changed, ...added]) {
      const settings = wanted.get(id) as SiteSettings;
      this.#sites.set(id, await ServedSite.open({ ...this.#options, settings }));
    }
    return { added, removed, changed, kept };
  }

  /** Lets what runs come to its end, within five seconds, and removes the sockets. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new Error('stopped'));
    await this.#own?.closeDoors();
    await Promise.all([...this.#sites.keys()].map((id) => this.#close(id)));
    await this.#own?.empty(graceMs);
    await this.#sweeping;
  }

  async #openOwn({ id, socket, limits }: OwnSettings): Promise<void> {
    const { clock, emit, version } = this.#options;
    const answerer = new OwnSite(id, ownTables(this, clock, version));
    this.#own = new Reception({ socket, tcp: null, limits, answerer, clock, emit });
    await this.#own.open();
  }

  async #close(id: string): Promise<void> {
    const served = this.#sites.get(id);
    this.#sites.delete(id);
    await served?.close(graceMs);
  }

  async #sweep(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(sweepMs, signal).catch(() => undefined); // stopped
      for (const served of this.#sites.values()) served.sweep(clock.monotonic());
      this.#own?.sweep(clock.monotonic());
    }
  }
}
