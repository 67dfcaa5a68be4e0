import type { ConfReading } from './conf-reading.ts';
import type { OsloValue } from './oslo-file.ts';
import { defaultTransport, readTransport, shownUrl } from './transport-url.ts';

/** [oslo_messaging_rabbit]: what our declarations must have in common with the site's, and TLS. */
export interface BrokerFlags {
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly quorum: boolean;
  readonly ha: boolean;
  readonly queueArguments: Readonly<Record<string, number>>;
  readonly heartbeatS: number | null;
  /** As `tls` of the amqp input and publisher; null: no TLS unless a URL asks for it. */
  readonly tls: Readonly<Record<string, unknown>> | null;
}

const group = 'oslo_messaging_rabbit';

export function brokerFlags(reading: ConfReading): BrokerFlags {
  const flag = (name: string): boolean => {
    const found = reading.bool(`${group}.${name}`);
    if (found !== undefined) reading.took(found.at, `${group}.${name}`, 'queues and exchanges are declared so');
    return found?.value ?? false;
  };
  const quorum = flag('rabbit_quorum_queue');
  const limits: Record<string, number> = {};
  for (const [name, argument] of [
    ['rabbit_quorum_delivery_limit', 'x-delivery-limit'],
    ['rabbit_quorum_max_memory_length', 'x-max-in-memory-length'],
    ['rabbit_quroum_max_memory_length', 'x-max-in-memory-length'],
    ['rabbit_quorum_max_memory_bytes', 'x-max-in-memory-bytes'],
    ['rabbit_quroum_max_memory_bytes', 'x-max-in-memory-bytes'],
  ] as const) {
    const found = reading.int(`${group}.${name}`, 0);
    if (found === undefined) continue;
    // Zero means no limit, and oslo.messaging then leaves the argument out; it sends them with quorum queues only.
    if (found.value > 0 && quorum) limits[argument] = found.value;
    reading.took(
      found.at,
      `${group}.${name}`,
      found.value > 0 && quorum ? `${argument} of the queues` : 'no argument comes of it',
    );
  }
  const heartbeat = reading.int(`${group}.heartbeat_timeout_threshold`, 0);
  if (heartbeat !== undefined)
    reading.took(heartbeat.at, `${group}.heartbeat_timeout_threshold`, '`heartbeat_s` of the amqp input');
  return {
    durable: flag('amqp_durable_queues') || quorum,
    autoDelete: flag('amqp_auto_delete'),
    quorum,
    ha: flag('rabbit_ha_queues'),
    queueArguments: limits,
    heartbeatS: heartbeat?.value ?? null,
    tls: readTls(reading),
  };
}

function readTls(reading: ConfReading): BrokerFlags['tls'] {
  const option = (name: string): OsloValue | undefined =>
    reading.last(
      `${group}.${name}`,
      `${group}.kombu_${name}`,
      `${group}.kombu_${name.replace(/_file$/, 's').replace('ssl_', 'ssl_')}`,
    );
  const on = reading.bool(`${group}.ssl`) ?? reading.bool(`${group}.rabbit_use_ssl`);
  const files = { ca_file: option('ssl_ca_file'), cert_file: option('ssl_cert_file'), key_file: option('ssl_key_file') };
  for (const [name, at] of Object.entries(files))
    if (at !== undefined) reading.took(at, `${group}.ssl_${name}`, `\`tls.${name}\``);
  if (on !== undefined) reading.took(on.at, `${group}.ssl`, on.value ? 'TLS to the broker' : 'no TLS to the broker');
  for (const name of ['rabbit_use_ssl', 'kombu_ssl_ca_certs', 'kombu_ssl_certfile', 'kombu_ssl_keyfile'])
    reading.known(`${group}.${name}`);
  if (on?.value !== true) return null;
  const given = Object.entries(files).flatMap(([name, at]) => (at === undefined ? [] : [[name, at.text]]));
  // Without a CA oslo.messaging does not verify the broker's certificate at all.
  return { ...Object.fromEntries(given), ...(files.ca_file === undefined ? { verify: false } : {}) };
}

export interface Transports {
  /** The one that notifier:// without a host and the internal topics use. */
  readonly own: readonly string[];
}

/** transport_url and [notification] messaging_urls, as amqp inputs; and the exchanges and topics to listen to. */
export function readTransports(reading: ConfReading, flags: BrokerFlags, missing: OsloValue): Transports {
  const names = ['oslo_messaging_notifications.transport_url', 'DEFAULT.transport_url'] as const;
  const at = reading.last(...names);
  const own = transport(reading, at, names, flags, missing);
  const listened = reading.all('notification.messaging_urls');
  const exchanges = list(reading, ['notification.notification_control_exchanges', 'DEFAULT.http_control_exchanges']);
  const topics = list(reading, ['oslo_messaging_notifications.topics', 'DEFAULT.notification_topics']);
  const from =
    listened.length === 0
      ? [{ urls: own, at: at ?? missing }]
      : listened.map((url) => ({ urls: toUrls(reading, url, flags), at: url }));
  if (listened[0] !== undefined) {
    const shown = listened.map((url) => shownUrl(url.text)).join(' and ');
    reading.took(listened[0], 'notification.messaging_urls', `one amqp input each: ${shown}`);
  }
  const inputs = from.map(({ urls }, i) => ({
    amqp: {
      ...(from.length === 1 ? {} : { name: i === 0 ? 'amqp' : `amqp-${i + 1}` }),
      url: urls.length === 1 ? urls[0] : urls,
      ...(exchanges === null ? {} : { exchanges }),
      ...(topics === null ? {} : { topics }),
      ...(flags.durable ? { durable: true } : {}),
      ...(flags.autoDelete ? { auto_delete: true } : {}),
      ...(flags.quorum ? { quorum: true } : {}),
      ...(flags.ha ? { ha: true } : {}),
      ...(Object.keys(flags.queueArguments).length === 0 ? {} : { queue_arguments: flags.queueArguments }),
      ...(flags.heartbeatS === null ? {} : { heartbeat_s: flags.heartbeatS }),
      ...(flags.tls === null ? {} : { tls: flags.tls }),
    },
  }));
  if (from.every(({ urls }) => urls.length > 0)) reading.setting('inputs', inputs, from[0]?.at ?? missing);
  return { own };
}

function transport(
  reading: ConfReading,
  at: OsloValue | undefined,
  names: readonly string[],
  flags: BrokerFlags,
  missing: OsloValue,
): readonly string[] {
  for (const name of names) reading.known(name);
  if (at !== undefined) {
    const urls = toUrls(reading, at, flags);
    if (urls.length > 0) reading.took(at, 'transport_url', `the broker ${urls.map(shownUrl).join(', ')}`);
    return urls;
  }
  const text = `transport_url: not set; ${shownUrl(defaultTransport)}, as oslo.messaging takes it`;
  reading.notes.push({ file: missing.file, line: 1, level: 'took', text });
  const found = readTransport(defaultTransport, flags.tls !== null);
  return 'urls' in found ? found.urls : [];
}

function toUrls(reading: ConfReading, at: OsloValue, flags: BrokerFlags): readonly string[] {
  const found = readTransport(at.text, flags.tls !== null);
  if ('urls' in found) return found.urls;
  reading.refuse(at, 'transport_url', found.refused);
  return [];
}

/** A list of texts: several values, or commas within one. */
function list(reading: ConfReading, names: readonly string[]): readonly string[] | null {
  const given = reading.all(...names);
  for (const name of names) reading.known(name);
  const texts = [...new Set(given.flatMap((at) => at.text.split(',')).map((each) => each.trim()))].filter((each) => each !== '');
  if (given[0] === undefined || texts.length === 0) return null;
  reading.took(given[0], names[0] ?? '', texts.join(', '));
  return texts;
}
