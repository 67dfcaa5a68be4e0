import { Redis } from 'ioredis';
import { orAborted } from './or-aborted.ts';

export type RedisClient = Redis;

export interface RedisAccess {
  /** `redis://` or `rediss://[user[:password]@]host[:port][/db]`. */
  readonly url: string;
  /** Instead of the one in the URL. */
  readonly password: string | undefined;
  /** As `node:tls` takes them; for `rediss:` only. */
  readonly tls: object;
  /** How long connecting may take, and each answer. */
  readonly timeoutMs: number;
}

/**
 * One connection for one life of it: nothing waits for a reconnect and nothing is sent twice behind the caller's back, whose loop makes
 * another one. Rejects with what the server or the socket said, or with the signal's reason, and leaves no connection open then.
 */
export async function connectRedis(
  { url: given, password: ours, tls, timeoutMs }: RedisAccess,
  signal: AbortSignal,
): Promise<RedisClient> {
  const url = new URL(given);
  const password = ours ?? decodeURIComponent(url.password);
  const client = new Redis({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1) || 0),
    ...(password === '' ? {} : { username: decodeURIComponent(url.username) || 'default', password }),
    ...(url.protocol === 'rediss:' ? { tls } : {}),
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
  // A rejected connect() says only that the connection is closed; why stands in the event before it.
  let failure: unknown;
  client.on('error', (error) => {
    failure = error;
  });
  try {
    await orAborted(client.connect(), signal);
    return client;
  } catch (error) {
    client.disconnect();
    throw signal.aborted ? signal.reason : (failure ?? error);
  }
}
