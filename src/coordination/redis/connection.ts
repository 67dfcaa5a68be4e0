import type { ConnectionOptions } from 'node:tls';
import { Redis } from 'ioredis';
import type { Reply } from '../../lib/redis-reply.ts';
import { fullJitterMs } from '../../lib/retry-loop.ts';
import { hasWord, type RedisPlace, redisFault, timedOut } from './redis-fault.ts';
import type { Script } from './script.ts';
import { type Address, connectorTo, type SentinelServers, Sentinels } from './sentinels.ts';

export interface RedisServer {
  /** `redis://` or `rediss://host:port`; user and password may stand in it. With `sentinels` its host is the name of the primary. */
  readonly url: string;
  /** Who knows where the primary is; asked for every connection. */
  readonly sentinels?: SentinelServers;
  readonly username?: string;
  readonly password?: string;
  /** Asked again after each lost connection, for the next one; what it throws leaves the password as it was. */
  readonly readPassword?: () => Promise<string>;
  /** For `rediss:`. Certificates are verified unless this says otherwise. */
  readonly tls?: ConnectionOptions;
  /** How long an answer may take. */
  readonly commandTimeoutMs?: number;
  readonly random?: () => number;
  /** The connection came up, or went away and why; repeated failures to connect are told again and again. */
  readonly onConnection?: (event: { readonly up: boolean; readonly error: unknown }) => void;
}

const backoff = { baseMs: 100, capMs: 5_000 };

/**
 * One connection to Redis that comes back by itself.
 *
 * - Nothing is ever sent twice and nothing is kept to be sent later: a commit that waits in a queue for minutes would be a lie about
 *   the state it was made of, and so would a heartbeat. A caller learns at once that there is no answer, and asks again himself.
 * - A connection that leaves one question unanswered is given up: it may be half open, and replies come in order.
 * - Through sentinels, each connection is to whoever is the primary by then, and one whose server is no primary any more is given up.
 * - No `error` event is ever unhandled.
 */
export class RedisConnection {
  readonly #user: string;
  readonly #sentinels: Sentinels | null;
  /** Where the connection leads, or the last one did. */
  #address: string;
  #comparing = false;
  readonly #client: Redis;
  readonly #timeoutMs: number;
  readonly #onConnection: RedisServer['onConnection'];
  readonly #readPassword: RedisServer['readPassword'];
  #lastError: unknown = null;
  #closed = false;

  constructor(server: RedisServer) {
    const url = new URL(server.url);
    const user = server.username ?? (decodeURIComponent(url.username) || 'default');
    const password = server.password ?? decodeURIComponent(url.password);
    const port = Number(url.port || 6379);
    const random = server.random ?? Math.random;
    const tls = url.protocol === 'rediss:' ? { ...server.tls } : undefined;
    this.#user = user;
    this.#address = server.sentinels === undefined ? `${url.hostname}:${port}` : url.hostname;
    this.#timeoutMs = server.commandTimeoutMs ?? 2_000;
    this.#sentinels = server.sentinels === undefined ? null : new Sentinels(url.hostname, server.sentinels, tls, this.#timeoutMs);
    this.#onConnection = server.onConnection;
    this.#readPassword = server.readPassword;
    this.#client = new Redis({
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      db: Number(url.pathname.slice(1) || 0),
      ...(password === '' ? {} : { username: user, password }),
      ...(tls === undefined ? {} : { tls }),
      ...(this.#sentinels === null ? {} : { Connector: connectorTo(this.#sentinels, tls, (found) => this.#found(found)) }),
      lazyConnect: true,
      connectTimeout: this.#timeoutMs,
      commandTimeout: this.#timeoutMs,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      // With the check, questions during LOADING would wait; without it they are answered with that word.
      enableReadyCheck: false,
      // Unknown before Redis 7.2, and a profile that allows it there fails as a whole.
      disableClientInfo: true,
      retryStrategy: (attempt) => (this.#closed ? null : 20 + fullJitterMs(attempt - 1, random, backoff)),
    });
    this.#client.setMaxListeners(0); // each command that waits for the connection listens
    this.#client.on('error', (error) => this.#down(error));
    this.#client.on('close', () => this.#down(this.#lastError));
    this.#client.on('ready', () => {
      this.#lastError = null;
      this.#onConnection?.({ up: true, error: null });
    });
  }

  get place(): RedisPlace {
    return { address: this.#address, user: this.#user };
  }

  /** May its server be replaced by another one that is behind? */
  get mayFailOver(): boolean {
    return this.#sentinels !== null;
  }

  /**
   * Is ours still the one that the sentinels name? A primary that was replaced while it lived answers as ever until somebody tells it.
   * Two of them must say so: one may have been left behind. Begun by the heartbeat, which does not wait for it: sentinels that are away
   * prove nothing.
   */
  compareWithSentinels(): void {
    if (this.#sentinels === null || this.#comparing || this.#client.status !== 'ready') return;
    this.#comparing = true;
    const sentinels = this.#sentinels;
    const isAnother = async () => printed(await sentinels.primary()) !== this.#address;
    void isAnother()
      .then(async (another) => {
        if (another && (await isAnother())) this.leave();
      })
      .catch(() => undefined)
      .finally(() => {
        this.#comparing = false;
      });
  }

  /** Its server turned out to be the wrong one: the next connection asks who is the right one. Nothing without sentinels. */
  leave(): void {
    if (this.#sentinels !== null && !this.#closed) this.#client.disconnect(true);
  }

  /** By hash, and as text where the server does not know it yet or any more. */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply> {
    const rest = [keys.length, ...keys, ...args];
    try {
      return await this.#send('EVALSHA', [script.sha, ...rest]);
    } catch (error) {
      if (!hasWord(error, 'NOSCRIPT')) throw redisFault(error, this.place);
    }
    try {
      return await this.#send('EVAL', [script.lua, ...rest]);
    } catch (error) {
      throw redisFault(error, this.place);
    }
  }

  async command(name: string, ...args: readonly (string | number)[]): Promise<Reply> {
    try {
      return await this.#send(name, args);
    } catch (error) {
      throw redisFault(error, this.place);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#client.disconnect();
  }

  async #send(name: string, args: readonly (string | number)[]): Promise<Reply> {
    await this.#ready();
    try {
      // In one piece: spread, as many as a large commit has do not fit on the stack.
      return (await this.#client.call(name, [...args])) as Reply;
    } catch (error) {
      if (isTimeout(error)) this.#client.disconnect(true);
      // The user was switched off or got another password: a new connection says so in full, and works once that is mended.
      if (hasWord(error, 'NOAUTH')) this.#client.disconnect(true);
      if (hasWord(error, 'READONLY')) this.leave();
      throw error;
    }
  }

  /** Waits for a connection that is being made, not for one that failed: who waits for its next try would wait for long. */
  async #ready(): Promise<void> {
    const client = this.#client;
    if (client.status === 'ready') return;
    if (this.#closed) throw new Error('the connection is closed');
    // A client of sentinels that named nobody has ended.
    if (client.status === 'wait' || client.status === 'end') void client.connect().catch(() => undefined); // told by the event `error`
    if (client.status !== 'connecting' && client.status !== 'connect') throw this.#lastError ?? new Error('not connected');
    await new Promise<void>((resolve, reject) => {
      const done = (error?: unknown) => {
        clearTimeout(timer);
        client.off('ready', onReady);
        client.off('close', onClose);
        client.off('end', onClose);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onReady = () => done();
      const onClose = () => done(this.#lastError ?? new Error('the connection was closed'));
      const timer = setTimeout(() => done(new Error(timedOut)), this.#timeoutMs);
      client.once('ready', onReady);
      client.once('close', onClose);
      client.once('end', onClose);
    });
  }

  /** An operator may have changed it; if the file is late, the next attempt but one has it. */
  async #renewPassword(): Promise<void> {
    const password = await this.#readPassword?.().catch(() => undefined);
    if (password !== undefined) this.#client.options.password = password;
  }

  #found(found: Address): void {
    this.#address = printed(found);
  }

  #down(error: unknown): void {
    if (this.#closed) return;
    this.#lastError = error ?? new Error('the connection was closed');
    void this.#renewPassword();
    this.#onConnection?.({ up: false, error: redisFault(this.#lastError, this.place) });
  }
}

function printed({ host, port }: Address): string {
  return `${host}:${port}`;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === timedOut;
}
