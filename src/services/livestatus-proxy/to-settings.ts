import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { staticTables } from '../../core/livestatus/cacheable.ts';
import { Fault } from '../../model/faults.ts';
import type { TlsOptions } from '../../model/tls-files.ts';
import type { LiveproxyFile, SiteFile } from './schema.ts';
import type { Address, CacheSettings, LocalSocket, OwnSettings, SiteLimits, SiteSettings, TcpDoor } from './settings.ts';

export interface LiveproxySettings {
  readonly sites: readonly SiteSettings[];
  /** The socket that answers about this process itself. */
  readonly own: OwnSettings | null;
  readonly stateFile: string;
  readonly pidFile: string;
  readonly logFile: string;
  readonly metrics: { readonly host: string; readonly port: number } | null;
}

type Fields = LiveproxyFile['defaults'];

/** The file's values with every default in its place; relative paths start at `baseDir`. Throws a fatal Fault for a file of TLS that cannot be read. */
export async function toSettings(file: LiveproxyFile, baseDir: string): Promise<LiveproxySettings> {
  const at = (path: string) => resolve(baseDir, path);
  const runDir = at(file.run_dir);
  const sites: SiteSettings[] = [];
  for (const [id, site] of Object.entries(file.sites)) sites.push(await toSite(id, site, file, runDir, at));
  return {
    sites,
    own:
      file.own_site === undefined
        ? null
        : { id: file.own_site, socket: localSocket(file, runDir, file.own_site), limits: limitsOf({}) },
    stateFile: at(file.state_file ?? join(runDir, 'liveproxyd.state')),
    pidFile: at(file.pid_file ?? join(runDir, 'liveproxyd.pid')),
    logFile: at(file.log_file),
    metrics: file.metrics_listen === undefined ? null : hostAndPort(file.metrics_listen),
  };
}

function hostAndPort(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

async function toSite(
  id: string,
  site: SiteFile,
  file: LiveproxyFile,
  runDir: string,
  at: (path: string) => string,
): Promise<SiteSettings> {
  const own = merged(file.defaults, site);
  const channels = own.number_of_channels ?? own.channels ?? 10;
  const policy = own.channel_policy ?? 'auto';
  return {
    id,
    address: await toAddress(site, at),
    socket: localSocket(file, runDir, id),
    tcp: await toDoor(site, at),
    channels: { channels, forced: policy === 'auto' ? null : policy, workers: own.workers ?? null },
    heartbeat: {
      intervalMs: 1000 * (own.heartbeat_interval ?? own.heartbeat?.[0] ?? 3),
      timeout: own.heartbeat === undefined ? { percent: own.heartbeat_timeout ?? 50 } : { ms: 1000 * own.heartbeat[1] },
      retryMs: 1000 * (own.connect_retry ?? 4),
    },
    waitMs: 1000 * (own.wait_for_free_channel ?? own.channel_timeout ?? 5),
    queryTimeoutMs: 1000 * (own.maximum_response_time ?? own.query_timeout ?? 120),
    cache: toCache(own.cache),
    limits: limitsOf(own),
  };
}

function localSocket(file: LiveproxyFile, runDir: string, id: string): LocalSocket {
  return {
    path: join(runDir, 'liveproxy', id),
    mode: Number.parseInt(file.socket_mode, 8),
    user: file.socket_user ?? null,
    group: file.socket_group ?? null,
  };
}

/** For a site that says nothing of its own. */
export function usualLimits(): SiteLimits {
  return limitsOf({});
}

function limitsOf(own: Fields): SiteLimits {
  return {
    clientBufferBytes: own.client_buffer_bytes ?? 16 * 1024 * 1024,
    maxRequestBytes: own.max_request_bytes ?? 1024 * 1024,
    requestMs: 120_000,
    maxClients: own.max_clients ?? 1000,
    maxChannelAgeMs: 3_600_000,
  };
}

const aliases: Readonly<Partial<Record<keyof Fields, readonly (keyof Fields)[]>>> = {
  number_of_channels: ['channels'],
  channels: ['number_of_channels'],
  wait_for_free_channel: ['channel_timeout'],
  channel_timeout: ['wait_for_free_channel'],
  maximum_response_time: ['query_timeout'],
  query_timeout: ['maximum_response_time'],
  heartbeat: ['heartbeat_interval', 'heartbeat_timeout'],
  heartbeat_interval: ['heartbeat'],
  heartbeat_timeout: ['heartbeat'],
};

/** A site's own word wins over the default, under whichever of the two names each was given. */
function merged(defaults: Fields, site: Fields): Fields {
  const values: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(site)) {
    if (value === undefined) continue;
    for (const alias of aliases[name as keyof Fields] ?? []) delete values[alias];
    values[name] = value;
  }
  return values as Fields;
}

async function toAddress(site: SiteFile, at: (path: string) => string): Promise<Address> {
  if (site.socket.startsWith('unix:')) return { kind: 'unix', path: site.socket.slice(5) };
  const [scheme = ''] = site.socket.split(':');
  const colon = site.socket.lastIndexOf(':');
  const host = site.socket.slice(scheme.length + 1, colon).replace(/^\[|\]$/g, '');
  const port = Number(site.socket.slice(colon + 1));
  if (scheme !== 'tls') return { kind: 'tcp', host, port, tls: null };
  const { ca_file, server_name, verify } = site.tls ?? { verify: true };
  const tls: TlsOptions = {
    rejectUnauthorized: verify,
    ...(ca_file === undefined ? {} : { ca: await readPem(at(ca_file)) }),
    ...(server_name === undefined ? {} : { servername: server_name }),
  };
  return { kind: 'tcp', host, port, tls };
}

async function toDoor({ tcp }: SiteFile, at: (path: string) => string): Promise<TcpDoor | null> {
  if (tcp === undefined) return null;
  const tls =
    tcp.cert_file === undefined || tcp.key_file === undefined
      ? null
      : { cert: await readPem(at(tcp.cert_file)), key: await readPem(at(tcp.key_file)) };
  return { host: tcp.host, port: tcp.port, onlyFrom: tcp.only_from, tls };
}

function toCache(cache: Fields['cache']): CacheSettings | null {
  if (cache === undefined || cache === false) return null;
  const { max_age, tables } = cache === true ? { max_age: 60, tables: undefined } : cache;
  return { maxAgeMs: max_age * 1000, tables: tables ?? staticTables };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Fault('fatal', 'unreadable_file', `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
