import type { ItemKind } from '../../model/item.ts';
import type { Environment } from '../references.ts';
import type { Site } from './site.ts';
import { readTransport } from './transport-url.ts';
import { isTrue, lastOf, type MappedPublisher, type UrlParts } from './url-parts.ts';

const transportVariable = 'CEILOGRAPH_TRANSPORT_URL';

/** `notifier://[host]?topic=…`: exchange, flags and topics are the site's. */
export function mapNotifier(parts: UrlParts, from: ItemKind, env: Environment, site: Site): MappedPublisher {
  const driver = lastOf(parts, 'driver') ?? 'rabbit';
  if (driver !== 'rabbit') return { leftOut: `the driver ${driver} is not offered, only rabbit` };
  const urls = brokers(parts, env, site);
  if (urls === null)
    return { leftOut: `it names no host, and there is neither a ceilometer.conf with transport_url nor ${transportVariable}` };
  const changes: string[] = [];
  const policy = lastOf(parts, 'policy') ?? 'default';
  if (policy !== 'default')
    changes.push(
      `policy=${policy} is left out (it never worked): what the broker does not take waits and stops the sink at its bound`,
    );
  const standard = from === 'samples' ? site.meteringTopic : site.eventTopic;
  const topics = parts.query.flatMap(([key, value]) => (key === 'topic' && value !== '' ? [value] : []));
  const perMeter = from === 'samples' && isTrue(lastOf(parts, 'per_meter_topic') ?? '0');
  const { flags } = site;
  return {
    kind: 'amqp',
    value: {
      url: urls.length === 1 ? urls[0] : urls,
      topic: topics.length === 0 ? standard : topics.length === 1 ? topics[0] : topics,
      event_type: standard,
      ...(perMeter ? { per_meter_topic: true } : {}),
      ...(site.exchange === 'ceilometer' ? {} : { exchange: site.exchange }),
      ...(site.host === null ? {} : { publisher_id: `telemetry.publisher.${site.host}` }),
      ...(flags?.durable === true ? { exchange_durable: true, queue_durable: true } : {}),
      ...(flags?.autoDelete === true ? { auto_delete: true } : {}),
      ...(flags?.quorum === true ? { queue_type: 'quorum' } : {}),
      ...(flags === null || flags.tls === null ? {} : { tls: flags.tls }),
    },
    changes,
  };
}

function brokers(parts: UrlParts, env: Environment, site: Site): readonly string[] | null {
  const tls = site.flags !== null && site.flags.tls !== null;
  const written = parts.netloc === '' ? env[transportVariable] : `rabbit://${parts.netloc}${parts.path}`;
  if (written === undefined) return site.transport.length === 0 ? null : site.transport;
  const found = readTransport(written, tls);
  return 'urls' in found ? found.urls : null;
}
