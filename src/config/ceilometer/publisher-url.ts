import type { Environment } from '../references.ts';

/** A publisher URL of Ceilometer as the mapping an operator would write natively, or the reason why it is left out. */
export type MappedPublisher =
  | { readonly kind: string; readonly value: Readonly<Record<string, unknown>>; readonly changes: readonly string[] }
  | { readonly leftOut: string };

const later: Readonly<Record<string, string>> = {
  gnocchi: 'a Gnocchi publisher',
  prometheus: 'a Prometheus publisher',
  opentelemetryhttp: 'an OTLP publisher',
  udp: 'a UDP publisher (msgpack)',
  tcp: 'a TCP publisher (msgpack)',
  zaqar: 'a Zaqar publisher',
  kafka: 'a Kafka publisher',
};

/** `file` of `file:///x?json`; a word without `://` is a scheme alone, as in Ceilometer. */
export function mapPublisherUrl(written: string, env: Environment): MappedPublisher {
  const text = written.includes('://') ? written : `${written}://`;
  const scheme = text.slice(0, text.indexOf('://'));
  const rest = splitUrl(text);
  if (scheme === 'file') return mapFile(rest);
  if (scheme === 'http' || scheme === 'https') return mapHttp(scheme, rest);
  if (scheme === 'notifier') return mapNotifier(rest, env);
  if (scheme === 'test')
    return { kind: 'stdout', value: {}, changes: ["Ceilometer's tests kept it in memory; here it goes to standard output"] };
  const planned = Object.hasOwn(later, scheme) ? later[scheme] : undefined;
  if (planned === undefined) return { leftOut: `neither Ceilometer nor this product has a publisher ${scheme}://` };
  return {
    leftOut: `this version has no ${scheme}://; ${planned} comes with a later one. Until then write a native sink with http or amqp`,
  };
}

interface UrlParts {
  readonly netloc: string;
  readonly path: string;
  readonly query: readonly (readonly [string, string])[];
}

// Like Python's urlsplit: lenient, nothing is normalised, no host is needed.
function splitUrl(text: string): UrlParts {
  const [, netloc = '', path = '', query = ''] = /^[^:]*:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/.exec(text) ?? [];
  return { netloc, path, query: [...new URLSearchParams(query)] };
}

function lastOf(parts: UrlParts, name: string): string | undefined {
  return parts.query.filter(([key]) => key === name).at(-1)?.[1];
}

function mapFile(parts: UrlParts): MappedPublisher {
  if (parts.path === '') return { leftOut: 'it names no path' };
  const [maxBytes, backups] = [lastOf(parts, 'max_bytes'), lastOf(parts, 'backup_count')];
  const rotates = Boolean(maxBytes) && Boolean(backups);
  if (rotates && !(isCount(maxBytes) && isCount(backups))) return { leftOut: 'max_bytes and backup_count should be numbers' };
  const changes = parts.query.some(([key]) => key === 'json') ? [] : ['lines are JSON, not the text of Python dicts'];
  const rotation = { max_bytes: Number(maxBytes), backup_count: Number(backups) };
  const never = rotation.max_bytes === 0 || rotation.backup_count === 0;
  return { kind: 'file', value: { path: parts.path, ...(rotates && !never ? rotation : {}) }, changes };
}

function isCount(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,15}$/.test(text);
}

const httpOptions = new Set(['timeout', 'max_retries', 'batch', 'verify_ssl', 'clientcert', 'clientkey', 'raw_only']);

function mapHttp(scheme: string, parts: UrlParts): MappedPublisher {
  if (parts.netloc.replace(/^.*@/, '').replace(/:\d*$/, '') === '') return { leftOut: 'it names no host' };
  if (isTrue(lastOf(parts, 'raw_only') ?? 'false')) return { leftOut: 'raw_only is not offered: events go out whole' };
  const others = parts.query.filter(([key, value]) => !httpOptions.has(key) && value !== '');
  const query =
    others.length === 0 ? '' : `?${new URLSearchParams(others.map(([key, value]): [string, string] => [key, value]))}`;
  const changes = ['tried again until it is taken, or at its bound; Ceilometer logged an error and lost it'];
  const timeout = lastOf(parts, 'timeout');
  const seconds = timeout !== undefined && /^[1-9]\d{0,6}$/.test(timeout) ? Number(timeout) : 5;
  const tls = tlsOf(parts);
  return {
    kind: 'http',
    value: {
      url: `${scheme}://${parts.netloc}${parts.path}${query}`,
      timeout_ms: seconds * 1000,
      ...(isTrue(lastOf(parts, 'batch') ?? 'true') ? {} : { batch: { max_items: 1 } }),
      ...(tls === undefined ? {} : { tls }),
    },
    changes: isTrue(lastOf(parts, 'batch') ?? 'true')
      ? changes
      : [...changes, 'batch=false: arrays of one item, not the bare item'],
  };
}

function tlsOf(parts: UrlParts): Record<string, unknown> | undefined {
  const [verify, cert, key] = ['verify_ssl', 'clientcert', 'clientkey'].map((name) => lastOf(parts, name) || undefined);
  const tls = {
    ...(verify === undefined || isTrue(verify) ? {} : isFalse(verify) ? { verify: false } : { ca_file: verify }),
    ...(cert === undefined ? {} : { cert_file: cert, key_file: key ?? cert }),
  };
  return Object.keys(tls).length === 0 ? undefined : tls;
}

const isTrue = (text: string) => ['t', 'true', 'on', 'y', 'yes', '1'].includes(text.trim().toLowerCase());
const isFalse = (text: string) => ['f', 'false', 'off', 'n', 'no', '0'].includes(text.trim().toLowerCase());

const transportVariable = 'CEILOGRAPH_TRANSPORT_URL';

function mapNotifier(parts: UrlParts, env: Environment): MappedPublisher {
  const driver = lastOf(parts, 'driver') ?? 'rabbit';
  if (driver !== 'rabbit') return { leftOut: `the driver ${driver} is not offered, only rabbit` };
  // Without a host Ceilometer takes the transport_url of ceilometer.conf, which is not read here.
  const url = parts.netloc === '' ? env[transportVariable] : `amqp://${parts.netloc}${parts.path}`;
  if (url === undefined)
    return { leftOut: `it names no host, and ${transportVariable} (the transport_url of ceilometer.conf) is not set` };
  const urls = brokerUrls(url);
  const changes: string[] = [];
  if (isTrue(lastOf(parts, 'per_meter_topic') ?? '0')) changes.push('per_meter_topic is not offered: one topic for all meters');
  const policy = lastOf(parts, 'policy') ?? 'default';
  if (policy !== 'default')
    changes.push(
      `policy=${policy} is left out (it never worked): what the broker does not take waits and stops the sink at its bound`,
    );
  const topic = parts.query.find(([key]) => key === 'topic')?.[1];
  const secretFile = env['CEILOGRAPH_TELEMETRY_SECRET_FILE'];
  return {
    kind: 'amqp',
    value: {
      url: urls.length === 1 ? urls[0] : urls,
      ...(topic ? { topic } : {}),
      ...(secretFile === undefined ? {} : { telemetry_secret_file: secretFile }),
    },
    changes,
  };
}

/** `rabbit://u:p@one:5672,u:p@two:5672/vhost` of oslo.messaging: one URL per host. */
function brokerUrls(url: string): string[] {
  const [, scheme = 'amqp', hosts = '', path = ''] = /^([^:]*):\/\/([^/?#]*)([^?#]*)/.exec(url) ?? [];
  const secure = scheme === 'amqps' || /[?&]ssl=(?:1|true)/i.test(url);
  return hosts.split(',').map((host) => `${secure ? 'amqps' : 'amqp'}://${host}${path}`);
}
