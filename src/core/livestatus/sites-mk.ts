import type { Literal, LiteralMap } from './python-literal.ts';

/** A site of Checkmk's `sites.mk` that goes through the proxy, in the words of our own file. */
export interface ProxiedSite {
  readonly id: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export interface SitesRead {
  readonly proxied: readonly ProxiedSite[];
  /** Left out, with the reason. */
  readonly skipped: readonly { readonly id: string; readonly why: string }[];
}

/** Settings of ours and Checkmk's that may stand in the proxy's parameters as they are. */
const parameters = [
  'number_of_channels',
  'wait_for_free_channel',
  'heartbeat_interval',
  'heartbeat_timeout',
  'maximum_response_time',
  'channels',
  'heartbeat',
  'channel_timeout',
  'query_timeout',
  'connect_retry',
  'channel_policy',
  'workers',
  'cache',
];

/**
 * The switch of each site is, by age of the file: `liveproxy` (True or a dict of settings), `proxy` (None, or a dict with `params` and
 * `tcp`; Checkmk 1.6 and later), or a `socket` that is `('proxy', {…})` (before it). `localSocket`: what a site without address means.
 */
export function readSites(sites: Literal, localSocket: string): SitesRead {
  const proxied: ProxiedSite[] = [];
  const skipped: { id: string; why: string }[] = [];
  if (!isMap(sites)) return { proxied, skipped: [{ id: 'sites', why: 'is no dict' }] };
  for (const [key, config] of sites) {
    const id = String(key);
    const read: Read = isMap(config) ? readSite(config, localSocket) : { why: 'its configuration is no dict' };
    if ('why' in read) skipped.push({ id, why: read.why });
    else proxied.push({ id, values: read.values });
  }
  return { proxied, skipped };
}

type Read = { readonly values: Readonly<Record<string, unknown>> } | { readonly why: string };

function readSite(config: LiteralMap, localSocket: string): Read {
  if (config.get('disabled') === true) return { why: 'it is disabled' };
  const own = config.get('liveproxy');
  const proxy = config.get('proxy');
  const socket = config.get('socket') ?? null;
  if (Array.isArray(socket) && socket[0] === 'proxy' && isMap(socket[1]))
    return withSocket(socket[1].get('socket') ?? null, settings(socket[1]), localSocket);
  if (own === true) return withSocket(socket, {}, localSocket);
  if (isMap(own)) return withSocket(socket, settings(own), localSocket);
  if (!isMap(proxy)) return { why: 'it does not use the proxy' };
  const params = proxy.get('params');
  const door = proxy.get('tcp');
  return withSocket(
    socket,
    { ...settings(proxy), ...(isMap(params) ? settings(params) : {}), ...(isMap(door) ? { tcp: toDoor(door) } : {}) },
    localSocket,
  );
}

function settings(given: LiteralMap): Record<string, unknown> {
  return Object.fromEntries(parameters.filter((name) => given.get(name) != null).map((name) => [name, given.get(name)]));
}

function toDoor(door: LiteralMap): Record<string, unknown> {
  const onlyFrom = door.get('only_from');
  return { port: door.get('port'), only_from: Array.isArray(onlyFrom) ? onlyFrom : ['0.0.0.0/0', '::/0'] };
}

function withSocket(socket: Literal, values: Record<string, unknown>, localSocket: string): Read {
  const text = toSocket(socket, localSocket);
  if (text === null) return { why: 'its socket is of a kind that the proxy cannot reach' };
  return { values: { ...text, ...values } };
}

/** Texts of before 1.6, tuples of today: `('tcp', {'address': (host, port), 'tls': ('encrypted', {'verify': True})})`. */
function toSocket(socket: Literal, localSocket: string): Record<string, unknown> | null {
  if (socket === null || socket === 'local') return { socket: `unix:${localSocket}` };
  if (typeof socket === 'string') return /^(?:tcp6?|unix|tls):/.test(socket) ? { socket: bracketed(socket) } : null;
  if (!Array.isArray(socket)) return null;
  const [kind, details] = socket as readonly Literal[];
  if (kind === 'local') return { socket: `unix:${localSocket}` };
  if (kind === 'unix' && isMap(details ?? null)) return { socket: `unix:${(details as LiteralMap).get('path')}` };
  if ((kind === 'tcp' || kind === 'tcp6') && isMap(details ?? null)) return toTcp(details as LiteralMap);
  if (typeof kind === 'string' && typeof details === 'number') return { socket: bracketed(`tcp:${kind}:${details}`) };
  return null;
}

function toTcp(details: LiteralMap): Record<string, unknown> | null {
  const address = details.get('address');
  if (!Array.isArray(address)) return null;
  const where = `${address[0]}:${address[1]}`;
  const tls = details.get('tls');
  if (!Array.isArray(tls) || tls[0] !== 'encrypted') return { socket: bracketed(`tcp:${where}`) };
  const verify = isMap(tls[1] ?? null) ? (tls[1] as LiteralMap).get('verify') !== false : true;
  return { socket: bracketed(`tls:${where}`), tls: { verify } };
}

/** `tcp:::1:6557` → `tcp:[::1]:6557`. */
function bracketed(socket: string): string {
  const found = /^(tcp6?|tls):([^[\]]*:[^[\]]*):(\d+)$/.exec(socket);
  return found === null ? socket : `${found[1]}:[${found[2]}]:${found[3]}`;
}

function isMap(value: Literal | undefined): value is LiteralMap {
  return value instanceof Map;
}
