import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfReading } from './conf-reading.ts';
import { shownUrl } from './transport-url.ts';

/** The keys by which our agents know each other lie beside ceilometer.conf. */
const keysFileName = 'ceilograph-keys.yaml';

const alone = 'for one agent, or several processes on one machine, set CEILOGRAPH_COORDINATION=off';
const other = `expected redis://; ${alone}`;

/**
 * [coordination] backend_url and [notification] workload_partitioning: with `redis://` our own coordination, whose internal topics are on
 * the broker of `transport_url`, as Ceilometer's were. Whatever else tooz knows is refused: an agent that believes that it is alone while others
 * run computes wrong rates.
 */
export function readCoordination(
  reading: ConfReading,
  broker: readonly string[],
  tls: Readonly<Record<string, unknown>> | null,
  dir: string,
): void {
  const partitioning = reading.bool('notification.workload_partitioning');
  const url = reading.last('coordination.backend_url');
  if (url === undefined) {
    if (partitioning?.value === true)
      reading.refuse(
        partitioning.at,
        'notification.workload_partitioning',
        'workload_partitioning without [coordination] backend_url',
        other,
      );
    else if (partitioning !== undefined)
      reading.took(partitioning.at, 'notification.workload_partitioning', 'this agent runs every partition');
    return;
  }
  const scheme = /^([\w+.-]+):/.exec(url.text)?.[1]?.toLowerCase() ?? '';
  if (partitioning !== undefined && !partitioning.value) {
    reading.took(partitioning.at, 'notification.workload_partitioning', 'this agent runs every partition');
    reading.ignored(url, 'coordination.backend_url', 'workload_partitioning is off');
    return;
  }
  if (partitioning !== undefined)
    reading.took(partitioning.at, 'notification.workload_partitioning', 'agents share the partitions');
  const name = 'coordination.backend_url';
  if (scheme !== 'redis' && scheme !== 'rediss') {
    reading.refuse(
      url,
      name,
      `agents cannot share their work through ${scheme === '' ? shownUrl(url.text) : `${scheme}://`}`,
      other,
    );
    return;
  }
  const redis = toRedis(url.text);
  if (redis === null) {
    reading.refuse(url, name, 'Redis Sentinel and clusters are not offered', 'name the primary: redis://:password@host:6379/0');
    return;
  }
  const keys = join(dir, keysFileName);
  if (!existsSync(keys)) {
    const make = `printf 'active: k1\\nkeys: { k1: %s }\\n' "$(openssl rand -hex 32)" > ${keys}`;
    reading.refuse(
      url,
      name,
      `agents know each other by keys, and ${keys} is not there`,
      `make it once (${make}), give every agent the same; ${alone}`,
    );
    return;
  }
  reading.setting('coordination', { redis: { url: redis }, keys_file: keys }, url);
  reading.setting('topics', { amqp: { url: broker, ...(tls === null ? {} : { tls }) } }, url);
  reading.took(url, name, `agents share the partitions through ${shownUrl(redis)}, internal topics are on the broker`);
}

/** tooz puts into the query what our URL says in its path or scheme. */
function toRedis(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.searchParams.has('sentinel') || url.searchParams.has('sentinel_fallback')) return null;
  const db = url.searchParams.get('db');
  if (db !== null) url.pathname = `/${db}`;
  const secure = /^(?:1|true|yes|on)$/i.test(url.searchParams.get('ssl') ?? '');
  url.search = '';
  return secure ? url.href.replace(/^redis:/, 'rediss:') : url.href;
}
