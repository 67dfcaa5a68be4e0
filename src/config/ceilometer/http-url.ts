import { isFalse, isTrue, lastOf, type MappedPublisher, type UrlParts } from './url-parts.ts';

const httpOptions = new Set(['timeout', 'max_retries', 'batch', 'verify_ssl', 'clientcert', 'clientkey', 'raw_only', 'ssl']);

const again = 'tried again until it is taken, or at its bound; Ceilometer logged an error and lost it';

/** What `http://`, `prometheus://` and `opentelemetryhttp://` have in common: where to, for how long, with which certificates. */
function connection(scheme: string, parts: UrlParts): { readonly url: string; readonly value: Record<string, unknown> } | null {
  if (parts.netloc.replace(/^.*@/, '').replace(/:\d*$/, '') === '') return null;
  const others = parts.query.filter(([key, value]) => !httpOptions.has(key) && value !== '');
  const query =
    others.length === 0 ? '' : `?${new URLSearchParams(others.map(([key, value]): [string, string] => [key, value]))}`;
  const timeout = lastOf(parts, 'timeout');
  const seconds = timeout !== undefined && /^[1-9]\d{0,6}$/.test(timeout) ? Number(timeout) : 5;
  const tls = tlsOf(parts);
  return {
    url: `${scheme}://${parts.netloc}${parts.path}${query}`,
    value: { timeout_ms: seconds * 1000, ...(tls === undefined ? {} : { tls }) },
  };
}

export function mapHttp(scheme: string, parts: UrlParts): MappedPublisher {
  const found = connection(scheme, parts);
  if (found === null) return { leftOut: 'it names no host' };
  const raw = isTrue(lastOf(parts, 'raw_only') ?? 'false');
  const each = !isTrue(lastOf(parts, 'batch') ?? 'true');
  return {
    kind: 'http',
    value: { url: found.url, ...found.value, ...(each ? { format: 'item' } : {}), ...(raw ? { raw_only: true } : {}) },
    changes: [again],
  };
}

export function mapPrometheus(parts: UrlParts): MappedPublisher {
  const found = connection(isTrue(lastOf(parts, 'ssl') ?? 'false') ? 'https' : 'http', parts);
  if (found === null) return { leftOut: 'it names no host' };
  return { kind: 'pushgateway', value: { url: found.url, ...found.value }, changes: [again] };
}

export function mapOpenTelemetry(parts: UrlParts): MappedPublisher {
  const found = connection(isTrue(lastOf(parts, 'ssl') ?? 'false') ? 'https' : 'http', parts);
  if (found === null) return { leftOut: 'it names no host' };
  const form =
    'valid OTLP, many samples per request; `otlp: { form: ceilometer }` in a native sink gives the bytes that Ceilometer sends';
  return { kind: 'otlp', value: { url: found.url, ...found.value }, changes: [again, form] };
}

function tlsOf(parts: UrlParts): Record<string, unknown> | undefined {
  const [verify, cert, key] = ['verify_ssl', 'clientcert', 'clientkey'].map((name) => lastOf(parts, name) || undefined);
  const tls = {
    ...(verify === undefined || isTrue(verify) ? {} : isFalse(verify) ? { verify: false } : { ca_file: verify }),
    ...(cert === undefined ? {} : { cert_file: cert, key_file: key ?? cert }),
  };
  return Object.keys(tls).length === 0 ? undefined : tls;
}
