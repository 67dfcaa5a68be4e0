import type { ItemKind } from '../../model/item.ts';
import type { Environment } from '../references.ts';
import { mapGnocchi } from './gnocchi-url.ts';
import { mapHttp, mapOpenTelemetry, mapPrometheus } from './http-url.ts';
import { mapNotifier } from './notifier-url.ts';
import type { Site } from './site.ts';
import { hostAndPort, lastOf, type MappedPublisher, splitUrl, type UrlParts } from './url-parts.ts';

export interface UrlContext {
  readonly from: ItemKind;
  readonly env: Environment;
  readonly site: Site;
  /** The folder of Ceilometer's files. */
  readonly dir: string;
}

/** `file` of `file:///x?json`; a word without `://` is a scheme alone, as in Ceilometer. */
export function mapPublisherUrl(written: string, { from, env, site, dir }: UrlContext): MappedPublisher {
  const text = written.includes('://') ? written : `${written}://`;
  const scheme = text.slice(0, text.indexOf('://'));
  const parts = splitUrl(text);
  if (from === 'events' && ['tcp', 'udp', 'prometheus', 'opentelemetryhttp'].includes(scheme))
    return { leftOut: `${scheme}:// takes samples only, in Ceilometer too` };
  switch (scheme) {
    case 'file':
      return mapFile(parts);
    case 'http':
    case 'https':
      return mapHttp(scheme, parts);
    case 'notifier':
      return mapNotifier(parts, from, env, site);
    case 'gnocchi':
      return mapGnocchi(parts, env, site, dir);
    case 'prometheus':
      return mapPrometheus(parts);
    case 'opentelemetryhttp':
      return mapOpenTelemetry(parts);
    case 'udp':
    case 'tcp':
      return mapSocket(scheme, parts, site);
    case 'test':
      return { kind: 'stdout', value: {}, changes: ["Ceilometer's tests kept it in memory; here it goes to standard output"] };
    case 'zaqar':
      return {
        refused: 'zaqar:// is not offered',
        hint: 'publish with notifier://, http:// or a native `redis-stream`, or take the line out',
      };
    default:
      return { leftOut: `neither Ceilometer 27 nor this product has a publisher ${scheme}://` };
  }
}

function mapFile(parts: UrlParts): MappedPublisher {
  if (parts.path === '') return { leftOut: 'it names no path' };
  const [maxBytes, backups] = [lastOf(parts, 'max_bytes'), lastOf(parts, 'backup_count')];
  const rotates = Boolean(maxBytes) && Boolean(backups);
  if (rotates && !(isCount(maxBytes) && isCount(backups))) return { leftOut: 'max_bytes and backup_count should be numbers' };
  const format = parts.query.some(([key]) => key === 'json') ? 'ceilometer' : 'python';
  const rotation = { max_bytes: Number(maxBytes), backup_count: Number(backups) };
  const never = rotation.max_bytes === 0 || rotation.backup_count === 0;
  return { kind: 'file', value: { path: parts.path, format, ...(rotates && !never ? rotation : {}) }, changes: [] };
}

function isCount(text: string | undefined): boolean {
  return text !== undefined && /^\d{1,15}$/.test(text);
}

function mapSocket(kind: 'udp' | 'tcp', parts: UrlParts, site: Site): MappedPublisher {
  const address = hostAndPort(parts);
  if (address === null) return { leftOut: 'it names no host, or a port that is none' };
  if (kind === 'udp') return { kind, value: address, changes: [] };
  const changes = [
    'a connection per batch, whose orderly end is the receipt; `confirm: none` in a native sink keeps one open, as Ceilometer does',
  ];
  return { kind, value: { ...address, ...(site.host === null ? {} : { publisher_id: site.host }) }, changes };
}
