import { createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { createServer as createTlsServer, type TlsOptions as TlsServerOptions } from 'node:tls';
import { type ConnectionRules, isSurplus } from '../../core/spool/connection-machine.ts';
import { RelpFraming } from '../../core/spool/relp.ts';
import type { SpoolerSettings } from '../../core/spool/settings.ts';
import type { Clock } from '../../lib/clock.ts';
import { aborted } from '../../lib/or-aborted.ts';
import { endsWithin } from '../../lib/or-late.ts';
import type { TlsOptions } from '../../model/tls-files.ts';
import type { Arrival } from './arrivals.ts';
import { Link, type Session } from './link.ts';
import { RelpSinkSession } from './relp-sink-session.ts';
import { RelpSourceSession } from './relp-source-session.ts';
import type { Secrets } from './secrets.ts';
import { SinkDesk } from './sink-desk.ts';
import { SinkSession } from './sink-session.ts';
import { type SendingSession, SourceDesk, type SourceLink } from './source-desk.ts';
import { SourceSession } from './source-session.ts';
import type { LaneRow, SpoolLane } from './spool-lane.ts';
import type { SpoolPlace } from './spool-place.ts';

export type SpoolerEvent =
  | { readonly kind: 'listening'; readonly address: string }
  | { readonly kind: 'cannot_listen'; readonly address: string; readonly error: unknown }
  | { readonly kind: 'connected'; readonly connection: string; readonly peer: string }
  | { readonly kind: 'lost'; readonly connection: string; readonly reason: string }
  | { readonly kind: 'cannot_write'; readonly error: unknown };

export interface SpoolerOptions {
  readonly settings: SpoolerSettings;
  readonly secrets: Secrets;
  readonly place: SpoolPlace;
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: (event: SpoolerEvent) => void;
}

const tickMs = 50;
const turnBytes = 64 * 1024;
const turnNotifications = 256;
const relistenMs = 2_000;
const mostConnections = 1_000;
const leaveMs = 2_000;

/**
 * The notification spooler: holds its connections open and moves notifications from the spool of a source into that of a sink, over
 * Fluent's Forward protocol. Who dials has nothing to do with who sends.
 *
 * One loop serves all of it. In each turn every connection may read 64 KiB, what all of them brought is written to disk together, the
 * source's connections get their chunks one by one, and then the next turn comes: a connection that brings much, takes nothing, or
 * stalls costs the others nothing but its share.
 */
export class Spooler {
  readonly settings: SpoolerSettings;
  readonly site: string;
  readonly place: SpoolPlace;
  readonly #options: SpoolerOptions;
  readonly #clock: Clock;
  readonly #links = new Map<number, Link>();
  readonly #sessions = new Map<Link, SendingSession>();
  readonly #source: SourceDesk | undefined;
  readonly #sink: SinkDesk;
  #nextLink = 1;
  #turn: NodeJS.Immediate | undefined;
  #leaving = false;
  #closed = false;
  #server: Server | undefined;
  #listenFault: string | undefined;
  #relistenAt = 0;
  #failure: (error: unknown) => void = () => {};

  constructor(options: SpoolerOptions) {
    const { settings, place, clock } = options;
    this.#options = options;
    this.settings = settings;
    this.site = settings.site ?? hostname();
    this.#clock = clock;
    this.place = place;
    const wake = () => this.#wake();
    const onFailure = (error: unknown) => options.report({ kind: 'cannot_write', error });
    this.#sink = new SinkDesk({ arrivals: place.arrivals, wake, onFailure });
    if (settings.role === 'source')
      this.#source = new SourceDesk({
        spool: place.spool,
        clock,
        sinks: settings.sinks,
        acknowledgeWithinMs: settings.acknowledge_within * 1000,
        forceRetransmitMs: settings.deferred_force_retransmit * 1000,
        deferMs: settings.deferred_cooldown * 1000,
        wake,
      });
  }

  get links(): readonly Link[] {
    return [...this.#links.values()];
  }

  /** The port, or why there is none; `undefined`: it is not to listen. */
  get listening(): { readonly port: number; readonly fd: number | undefined } | { readonly fault: string } | undefined {
    if (this.#listenFault !== undefined) return { fault: this.#listenFault };
    const address = this.#server?.address();
    if (address === null || address === undefined || typeof address === 'string') return undefined;
    const handle = (this.#server as unknown as { readonly _handle?: { readonly fd?: number } })._handle;
    return { port: address.port, fd: handle?.fd };
  }

  /** Runs until `soft`, then sends and takes what is on its way, at most two seconds or until `hard`. Rejects with our own bugs only. */
  async run(soft: AbortSignal, hard: AbortSignal): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.#failure = reject;
    });
    try {
      if (this.settings.tcp_server !== undefined) this.#listen();
      for (const server of this.settings.tcp_client?.servers ?? []) this.#addDialled(server);
      await Promise.race([this.#tickUntil(soft), aborted(hard), failed]);
      this.#leaving = true;
      this.#server?.close();
      if (!hard.aborted) await Promise.race([endsWithin(this.#clock, leaveMs, this.#idle(hard)), aborted(hard), failed]);
    } finally {
      this.#close();
    }
    await Promise.allSettled([this.#source?.settle(), this.#sink.write()]);
  }

  async #tickUntil(soft: AbortSignal): Promise<void> {
    while (!soft.aborted) {
      this.#tick();
      await this.#clock.sleep(tickMs, soft).catch(() => undefined); // leaving is told by the signal
    }
  }

  #tick(): void {
    if (this.#listenFault !== undefined && this.#clock.monotonic() >= this.#relistenAt) this.#listen();
    for (const link of this.links) link.tick();
    this.#source?.tick(this.#sourceLinks());
    const news = this.#source?.look() === true;
    if (this.#sink.look() || news) this.#wake();
  }

  #wake(): void {
    if (this.#turn !== undefined || this.#closed) return;
    this.#turn = setImmediate(() => {
      this.#turn = undefined;
      try {
        this.#takeTurn();
      } catch (error) {
        this.#failure(error);
      }
    });
  }

  #takeTurn(): void {
    let more = false;
    for (const link of this.links) more = link.turn(turnBytes) || more;
    this.#sink.write().catch(this.#failure);
    if (this.#source !== undefined) {
      if (!this.#leaving) more = this.#source.turn(this.#sourceLinks(), turnNotifications) || more;
      this.#source.settle().catch((error: unknown) => this.#options.report({ kind: 'cannot_write', error }));
    }
    if (more) this.#wake();
  }

  async #idle(hard: AbortSignal): Promise<void> {
    while (!hard.aborted && !(this.#sink.idle && (this.#source?.onTheirWay ?? 0) === 0)) {
      this.#wake();
      await this.#clock.sleep(tickMs, hard).catch(() => undefined); // told by the signal
    }
  }

  #close(): void {
    this.#leaving = true;
    for (const link of this.links) link.lose('we are leaving');
    this.#closed = true;
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#server?.close();
  }

  #sourceLinks(): SourceLink[] {
    return [...this.#sessions].map(([link, session]) => ({ link, session }));
  }

  #listen(): void {
    const { tcp_server: listen } = this.settings;
    if (listen === undefined) return;
    const address = `${listen.address}:${listen.listen}`;
    const accept = (socket: Socket) => this.#accept(socket);
    const { serverTls } = this.#options.secrets;
    const server: Server = serverTls === undefined ? createServer(accept) : createTlsServer(tlsServer(serverTls), accept);
    this.#server = server;
    this.#listenFault = undefined;
    server.maxConnections = mostConnections;
    server.on('tlsClientError', (error, socket) => {
      this.#options.report({ kind: 'lost', connection: `${socket.remoteAddress}:${socket.remotePort}`, reason: error.message });
    });
    server.on('error', (error: NodeJS.ErrnoException) => {
      this.#listenFault = error.message;
      this.#relistenAt = this.#clock.monotonic() + relistenMs;
      this.#options.report({ kind: 'cannot_listen', address, error });
    });
    server.listen({ host: listen.address, port: listen.listen }, () => {
      const bound = this.listening;
      const port = bound !== undefined && 'port' in bound ? bound.port : listen.listen;
      this.#options.report({ kind: 'listening', address: `${listen.address}:${port}` });
    });
  }

  #accept(socket: Socket): void {
    if (this.#leaving) {
      socket.destroy();
      return;
    }
    const protocol = this.settings.tcp_server?.protocol ?? 'forward';
    const link = this.#makeLink(`${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`, protocol, socket, undefined);
    link.begin();
  }

  #addDialled(server: NonNullable<SpoolerSettings['tcp_client']>['servers'][number]): void {
    const tls = this.#options.secrets.clientTls.get(`${server.address}:${server.port}`);
    this.#makeLink(`${server.address}:${server.port}`, server.protocol, undefined, {
      host: server.address,
      port: server.port,
      tls,
    });
  }

  #makeLink(
    name: string,
    protocol: 'forward' | 'relp',
    socket: Socket | undefined,
    dial: { host: string; port: number; tls: TlsOptions | undefined } | undefined,
  ): Link {
    const id = this.#nextLink++;
    const link: Link = new Link(
      {
        name,
        rules: this.#rules(protocol, dial !== undefined),
        ...(protocol === 'relp' ? { makeFraming: () => new RelpFraming(this.settings.max_notification_bytes + turnBytes) } : {}),
        clock: this.#clock,
        random: this.#options.random,
        maxFrameBytes: this.settings.max_notification_bytes + turnBytes,
        ...(dial === undefined ? {} : { dial }),
        makeSession: (made) => this.#makeSession(made, protocol),
        wake: () => this.#wake(),
        onChange: (changed) => this.#changed(id, changed),
      },
      socket,
    );
    this.#links.set(id, link);
    return link;
  }

  #makeSession(link: Link, protocol: 'forward' | 'relp'): Session {
    const { settings, site } = this;
    const common = { site, key: this.#options.secrets.key, onAgreed: (agreed: Link) => this.#agreed(agreed) };
    const source = this.#source;
    if (source === undefined) {
      const taking = {
        ...common,
        maxBytes: settings.max_notification_bytes + turnBytes,
        gather: (_: Link, arrivals: readonly Arrival[], flushed: () => void) => this.#sink.gather(arrivals, flushed),
        isFull: () => this.#sink.isFull,
        wake: () => this.#wake(),
      };
      return protocol === 'relp' ? new RelpSinkSession(link, taking) : new SinkSession(link, taking);
    }
    const sending = {
      ...common,
      gzip: settings.gzip,
      maxUnacknowledged: settings.max_unacknowledged,
      clock: this.#clock,
      onArrived: (lane: SpoolLane, rows: readonly LaneRow[]) => source.arrived(lane, rows),
      onLost: (lane: SpoolLane, rows: readonly LaneRow[]) => source.lost(lane, rows),
    };
    const session = protocol === 'relp' ? new RelpSourceSession(link, sending) : new SourceSession(link, sending);
    this.#sessions.set(link, session);
    return session;
  }

  #rules(protocol: 'forward' | 'relp', dialled: boolean): ConnectionRules {
    const { settings } = this;
    return {
      role: settings.role === 'source' ? 'source' : 'sink',
      dialled,
      connectTimeoutMs: 10_000,
      handshakeTimeoutMs: 10_000,
      heartbeatIntervalMs: settings.send_heartbeat * 1000,
      // RELP knows no sign of life: silence is all that an idle source says.
      heartbeatTimeoutMs: protocol === 'relp' ? Number.POSITIVE_INFINITY : settings.expect_heartbeat * 1000,
      answerTimeoutMs: settings.acknowledge_within * 1000,
      cooldownMs: (settings.tcp_client?.cooldown ?? 4) * 1000,
      jitterMs: Math.min(1_000, (settings.tcp_client?.cooldown ?? 4) * 250),
    };
  }

  #agreed(link: Link): void {
    this.#options.report({ kind: 'connected', connection: link.name, peer: link.place });
    const { peer } = link;
    if (peer === undefined) return;
    const both = this.links.filter((other) => other.established && other.peer === peer);
    if (new Set(both.map((other) => other.options.dial === undefined)).size < 2) return;
    for (const other of both)
      if (isSurplus(this.site, peer, other.options.dial !== undefined))
        other.lose(`${peer} and we dialled each other, the other one is kept`);
  }

  #changed(id: number, link: Link): void {
    const { phase, reason } = link.state;
    if (phase !== 'closed' && phase !== 'cooldown') return;
    this.#options.report({ kind: 'lost', connection: link.name, reason: reason ?? '' });
    if (phase !== 'closed') return;
    this.#links.delete(id);
    this.#sessions.delete(link);
  }
}

function tlsServer(options: TlsServerOptions): TlsServerOptions {
  return { ...options, handshakeTimeout: 10_000 };
}
