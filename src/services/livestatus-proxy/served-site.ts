import type { Clock } from '../../lib/clock.ts';
import type { Emit } from '../../telemetry/events.ts';
import { CachedSite } from './cached-site.ts';
import type { Client } from './client.ts';
import { Reception } from './reception.ts';
import type { SiteSettings } from './settings.ts';
import { Site } from './site.ts';

interface ServedOptions {
  readonly settings: SiteSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
}

/** A site with its doors and the clients that came through them. */
export class ServedSite {
  readonly site: Site;
  readonly cache: CachedSite | null;
  readonly settings: SiteSettings;
  readonly #reception: Reception;

  /** Listens before the site is asked for anything; throws a fatal Fault when it cannot. */
  static async open(options: ServedOptions): Promise<ServedSite> {
    const served = new ServedSite(options);
    await served.#reception.open();
    served.site.start();
    return served;
  }

  private constructor(options: ServedOptions) {
    const { settings, clock, emit } = options;
    this.settings = settings;
    this.site = new Site(options);
    this.cache = settings.cache === null ? null : new CachedSite(this.site, settings.cache, clock);
    const { socket, tcp, limits } = settings;
    this.#reception = new Reception({ socket, tcp, limits, clock, emit, answerer: this.cache ?? this.site });
  }

  get clients(): ReadonlySet<Client> {
    return this.#reception.clients;
  }

  sweep(nowMs: number): void {
    this.#reception.sweep(nowMs);
  }

  /** Closes the doors, ends what runs within `graceMs`, closes the rest. */
  async close(graceMs: number): Promise<void> {
    const doors = this.#reception.closeDoors();
    await this.site.stop(graceMs);
    await doors;
    await this.#reception.empty(graceMs);
  }
}
