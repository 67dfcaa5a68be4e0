import { connect as tcpConnect } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { AbstractConnector } from 'ioredis';
import { connectRedis } from '../../lib/redis-client.ts';
import { list, num, type Reply, str } from '../../lib/redis-reply.ts';
import { Fault } from '../../model/faults.ts';

export interface SentinelServers {
  /** `host` or `host:port`; an IPv6 address in brackets. */
  readonly hosts: readonly string[];
  readonly username?: string;
  readonly password?: string;
  /** Asked again before each question; what it throws leaves the password as it was. */
  readonly readPassword?: () => Promise<string>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Asks Redis Sentinel who is the primary of a name. Each question goes to the sentinel behind the one asked last, and on until one knows:
 * one that was left behind by the others, and answers as ever, is believed for one connection and not for the next.
 */
export class Sentinels {
  readonly name: string;
  readonly #servers: SentinelServers;
  readonly #tls: ConnectionOptions | undefined;
  readonly #timeoutMs: number;
  #next = 0;

  constructor(name: string, servers: SentinelServers, tls: ConnectionOptions | undefined, timeoutMs: number) {
    this.name = name;
    this.#servers = servers;
    this.#tls = tls;
    this.#timeoutMs = timeoutMs;
  }

  /** Throws a retryable Fault when none answers, or none knows the name. */
  async primary(): Promise<Address> {
    const { hosts, readPassword } = this.#servers;
    const password = (await readPassword?.().catch(() => undefined)) ?? this.#servers.password;
    let last = '';
    for (const _ of hosts) {
      const host = hosts[this.#next++ % hosts.length] ?? '';
      try {
        const known = await this.#ask(host, password);
        if (known !== null) return known;
        last = `${host} knows no primary of that name`;
      } catch (error) {
        last = `${host}: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    throw new Fault(
      'retryable',
      'redis_no_primary',
      `no sentinel says who is the primary ${JSON.stringify(this.name)} (${last}) → check \`sentinels.hosts\`, and that the host of \`url\` ` +
        'is the name that they monitor',
    );
  }

  async #ask(host: string, password: string | undefined): Promise<Address | null> {
    const url = new URL(`${this.#tls === undefined ? 'redis' : 'rediss'}://${host}`);
    if (url.port === '') url.port = sentinelPort;
    url.username = this.#servers.username ?? '';
    const access = { url: url.href, password, tls: this.#tls ?? {}, timeoutMs: this.#timeoutMs };
    const client = await connectRedis(access, new AbortController().signal);
    try {
      const reply = (await client.call('SENTINEL', 'get-master-addr-by-name', this.name)) as Reply;
      if (reply === null) return null;
      const [ip, itsPort] = list(reply);
      return { host: str(ip), port: num(itsPort) };
    } finally {
      client.disconnect();
    }
  }
}

/** Where ioredis gets its connections from: each to whoever is the primary by then. `onFound` hears where that is. */
export function connectorTo(
  sentinels: Sentinels,
  tls: ConnectionOptions | undefined,
  onFound: (found: Address) => void,
): new (
  options: unknown,
) => AbstractConnector {
  class PrimaryConnector extends AbstractConnector {
    constructor() {
      super(lingerMs);
    }

    /** A rejection ends the client; whoever asks next begins anew. */
    async connect() {
      this.connecting = true;
      const found = await sentinels.primary();
      if (!this.connecting) throw new Error('the connection is closed');
      onFound(found);
      const stream = tls === undefined ? tcpConnect(found) : tlsConnect({ ...tls, ...found });
      stream.once('error', (error) => {
        this.firstError = error;
      });
      this.stream = stream;
      return stream;
    }
  }
  return PrimaryConnector;
}

const lingerMs = 2_000;
const sentinelPort = '26379';
