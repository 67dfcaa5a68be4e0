import type { Server, Socket } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import type { Emit } from '../../telemetry/events.ts';
import { type Answerer, Client } from './client.ts';
import { type OpenSocket, openLocalSocket } from './local-socket.ts';
import type { LocalSocket, SiteLimits, TcpDoor } from './settings.ts';
import { openTcpDoor } from './tcp-door.ts';

interface ReceptionOptions {
  readonly socket: LocalSocket;
  readonly tcp: TcpDoor | null;
  readonly limits: SiteLimits;
  readonly answerer: Answerer;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** The doors to somebody who answers, and the clients that came through them. */
export class Reception {
  readonly clients = new Set<Client>();
  readonly #options: ReceptionOptions;
  #doors: { readonly local: OpenSocket; readonly tcp: Server | null } | null = null;
  #number = 0;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Throws a fatal Fault when it cannot listen, with no door left open. */
  async open(): Promise<void> {
    const { socket, tcp, answerer, emit } = this.#options;
    const welcome = (client: Socket) => this.#welcome(client);
    const local = await openLocalSocket(socket, welcome);
    try {
      this.#doors = { local, tcp: tcp === null ? null : await openTcpDoor(tcp, welcome) };
    } catch (error) {
      await local.close();
      throw error;
    }
    emit('livestatus:listening', { site: answerer.id, socket: socket.path });
  }

  /** Ends requests that were begun and never finished. */
  sweep(nowMs: number): void {
    for (const client of this.clients) client.expire(nowMs);
  }

  /** Nobody new comes in; who is not being answered is let go. */
  async closeDoors(): Promise<void> {
    await this.#doors?.local.close();
    this.#doors?.tcp?.close();
    for (const client of this.clients) client.close();
  }

  /** Waits until everybody has read what was said, at most `graceMs`. */
  async empty(graceMs: number): Promise<void> {
    const { clock } = this.#options;
    const end = clock.monotonic() + graceMs;
    while (this.clients.size > 0 && clock.monotonic() < end) {
      await clock.sleep(20);
      for (const client of this.clients) client.close();
    }
    for (const client of this.clients) client.destroy();
  }

  #welcome(socket: Socket): void {
    const { limits, answerer, clock, emit } = this.#options;
    if (this.clients.size >= limits.maxClients) {
      emit('livestatus:refused', { site: answerer.id, code: 503, error: `more than ${limits.maxClients} clients` });
      socket.destroy();
      return;
    }
    this.#number += 1;
    const client = new Client({
      socket,
      name: `${answerer.id}.${this.#number}`,
      site: answerer,
      limits,
      clock,
      emit,
      closed: (gone) => this.clients.delete(gone),
    });
    this.clients.add(client);
  }
}
