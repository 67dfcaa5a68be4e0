import type { ChannelSettings } from '../../core/livestatus/channel-policy.ts';
import type { HeartbeatSettings } from '../../core/livestatus/heartbeat.ts';
import type { TlsOptions } from '../../model/tls-files.ts';

/** Where a site's Livestatus answers. `tls` null: plain. */
export type Address =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: TlsOptions | null };

/** The UNIX socket that clients of a site connect to. Names are those of the machine's users and groups; null leaves ours. */
export interface LocalSocket {
  readonly path: string;
  readonly mode: number;
  readonly user: string | null;
  readonly group: string | null;
}

/** For proxies and clients of other machines. `onlyFrom` empty: nobody. */
export interface TcpDoor {
  readonly host: string;
  readonly port: number;
  readonly onlyFrom: readonly string[];
  readonly tls: TlsOptions | null;
}

export interface CacheSettings {
  readonly maxAgeMs: number;
  readonly tables: readonly string[];
}

export interface SiteSettings {
  readonly id: string;
  readonly address: Address;
  readonly socket: LocalSocket;
  readonly tcp: TcpDoor | null;
  readonly channels: ChannelSettings;
  readonly heartbeat: HeartbeatSettings;
  /** How long a client waits for a free channel. */
  readonly waitMs: number;
  readonly queryTimeoutMs: number;
  readonly cache: CacheSettings | null;
  readonly limits: SiteLimits;
}

/** A site without a server: tables of this process. */
export interface OwnSettings {
  readonly id: string;
  readonly socket: LocalSocket;
  readonly limits: SiteLimits;
}

export interface SiteLimits {
  /** So much of an answer waits in memory for a slow client; beyond it the channel waits too. */
  readonly clientBufferBytes: number;
  readonly maxRequestBytes: number;
  /** A request that was begun must be complete by then. */
  readonly requestMs: number;
  readonly maxClients: number;
  /** A channel is replaced when it is older. */
  readonly maxChannelAgeMs: number;
}

/** As people write it: `tcp:host:port`, `tcp6:[::1]:6557`, `unix:/path`. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.tls === null ? 'tcp' : 'tls'}:${host}:${address.port}`;
}
