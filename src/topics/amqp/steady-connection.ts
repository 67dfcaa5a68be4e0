import type { SocketOptions } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { type Backoff, fullJitterMs } from '../../lib/retry-loop.ts';
import { classify, Fault } from '../../model/faults.ts';
import { type Connection, openConnection } from './connection.ts';

export type ConnectionEvent =
  | { readonly kind: 'connected'; readonly connection: string; readonly label: string }
  | { readonly kind: 'disconnected'; readonly connection: string; readonly error: Fault; readonly retryInMs: number }
  | { readonly kind: 'blocked'; readonly connection: string; readonly since: number; readonly reason: string }
  | { readonly kind: 'unblocked'; readonly connection: string };

export interface SteadyOptions {
  /** What it is for, as the broker's operator reads it: `ceilograph publish`. */
  readonly name: string;
  /** Tried in turn. */
  readonly urls: () => Promise<readonly string[]>;
  readonly heartbeatS: number;
  readonly socket: SocketOptions;
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: (event: ConnectionEvent) => void;
}

/** A connection that lived so long was a good one: the next attempt after it waits for nothing. */
const steadyAfterMs = 5_000;

/**
 * One connection that is there when it is asked for, made anew after it was lost, at the next of the URLs, with exponential pauses and
 * full jitter. Nothing but the connection: channels and consumers are their owners' to restore.
 */
export class SteadyConnection {
  readonly #options: SteadyOptions;
  readonly #closing = new AbortController();
  #current: Connection | null = null;
  #opening: Promise<Connection> | null = null;
  #next = 0;
  #failures = 0;
  #openedAt = Number.NEGATIVE_INFINITY;
  #everOpened = false;

  constructor(options: SteadyOptions) {
    this.#options = options;
  }

  /** Null while there is none. */
  get current(): Connection | null {
    return this.#current;
  }

  /** Waits until there is one. Throws the signal's reason, `closed`, and what no waiting mends as long as no broker ever took us. */
  async open(signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
    if (this.#current !== null) return this.#current;
    this.#opening ??= this.#openSome().finally(() => {
      this.#opening = null;
    });
    return orAborted(this.#opening, signal);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Fault('retryable', 'closed', 'the topics are closed'));
    await this.#opening?.catch(() => undefined);
    await this.#current?.close();
  }

  async #openSome(): Promise<Connection> {
    const { clock, random, backoff } = this.#options;
    const { signal } = this.#closing;
    if (clock.monotonic() - this.#openedAt >= steadyAfterMs) this.#failures = 0;
    else await clock.sleep(fullJitterMs(this.#failures++, random, backoff), signal);
    for (;;) {
      signal.throwIfAborted();
      try {
        return this.#keep(await this.#openNext());
      } catch (thrown) {
        const error = classify(thrown);
        if (error.class !== 'retryable' && !this.#everOpened) throw error;
        const retryInMs = fullJitterMs(this.#failures++, random, backoff);
        this.#options.report({ kind: 'disconnected', connection: this.#options.name, error, retryInMs });
        await clock.sleep(retryInMs, signal);
      }
    }
  }

  async #openNext(): Promise<Connection> {
    const { name, heartbeatS, socket, clock, report, urls } = this.#options;
    const onBlocked = (since: number | null, reason: string) =>
      report(since === null ? { kind: 'unblocked', connection: name } : { kind: 'blocked', connection: name, since, reason });
    return openConnection({ urls: await urls(), name, heartbeatS, socket, clock, onBlocked }, this.#next++);
  }

  #keep(connection: Connection): Connection {
    const { name, clock, report } = this.#options;
    this.#current = connection;
    this.#openedAt = clock.monotonic();
    this.#everOpened = true;
    connection.lost.addEventListener('abort', () => {
      if (this.#current === connection) this.#current = null;
      if (!this.#closing.signal.aborted)
        report({ kind: 'disconnected', connection: name, error: connection.lost.reason as Fault, retryInMs: 0 });
    });
    report({ kind: 'connected', connection: name, label: connection.label });
    return connection;
  }
}
