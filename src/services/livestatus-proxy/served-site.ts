import type { Server, Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import type { Emit } from '../../telemetry/events.ts';
import { CachedSite } from './cached-site.ts';
import { Client } from './client.ts';
import { type OpenSocket, openLocalSocket } from './local-socket.ts';
import type { SiteSettings } from './settings.ts';
import { Site } from './site.ts';
import { openTcpDoor } from './tcp-door.ts';

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
  readonly clients = new Set<Client>();
  readonly #options: ServedOptions;
  readonly #doors: { readonly local: OpenSocket; readonly tcp: Server | null };
  #number = 0;

  /** Listens before the site is asked for anything; throws a fatal Fault when it cannot. */
  static async open(options: ServedOptions): Promise<ServedSite> {
    const { settings, emit } = options;
    let served: ServedSite | null = null;
    const onClient = (socket: Socket) => (served === null ? socket.destroy() : served.#welcome(socket));
    const local = await openLocalSocket(settings.socket, onClient);
    try {
      const tcp = settings.tcp === null ? null : await openTcpDoor(settings.tcp, onClient);
      served = new ServedSite(options, { local, tcp });
    } catch (error) {
      await local.close();
      throw error;
    }
    emit('livestatus:listening', { site: settings.id, socket: settings.socket.path });
    served.site.start();
    return served;
  }

  private constructor(options: ServedOptions, doors: { readonly local: OpenSocket; readonly tcp: Server | null }) {
    this.#options = options;
    this.#doors = doors;
    const { settings, clock } = options;
    this.site = new Site(options);
    this.cache = settings.cache === null ? null : new CachedSite(this.site, settings.cache, clock);
  }

  get settings(): SiteSettings {
    return this.#options.settings;
  }

  /** Ends requests that were begun and never finished. */
  sweep(nowMs: number): void {
    for (const client of this.clients) client.expire(nowMs);
  }

  /** Closes the doors, ends what runs within `graceMs`, closes the rest. */
  async close(graceMs: number): Promise<void> {
    await this.#doors.local.close();
    this.#doors.tcp?.close();
    for (const client of this.clients) client.close();
    await this.site.stop(graceMs);
    const { clock } = this.#options;
    const end = clock.monotonic() + graceMs;
    while (this.clients.size > 0 && clock.monotonic() < end) {
      await clock.sleep(20);
      // Who was refused is still reading it.
      for (const client of this.clients) client.close();
    }
    for (const client of this.clients) client.destroy();
  }

  #welcome(socket: Socket): void {
    const { settings, clock, emit } = this.#options;
    if (this.clients.size >= settings.limits.maxClients) {
      emit('livestatus:refused', { site: settings.id, code: 503, error: `more than ${settings.limits.maxClients} clients` });
      socket.destroy();
      return;
    }
    this.#number += 1;
    const client = new Client({
      socket,
      name: `${settings.id}.${this.#number}`,
      site: this.cache ?? this.site,
      limits: settings.limits,
      clock,
      emit,
      closed: (gone) => this.clients.delete(gone),
    });
    this.clients.add(client);
  }
}
