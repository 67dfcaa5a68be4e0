import { settings } from './agent-settings.ts';
import type { LoadedAgent } from './load-agent.ts';

export interface EffectiveSetting {
  readonly path: string;
  readonly value: unknown;
  readonly origin: string;
}

const masked = '***';

/** Every setting with where it came from, to be shown: secrets and the passwords in URLs are masked. */
export function effectiveSettings({ config, origins, secrets }: LoadedAgent): EffectiveSetting[] {
  const values: Readonly<Record<string, unknown>> = {
    cluster: config.cluster,
    data_dir: config.dataDir,
    coordination: config.coordination.kind === 'off' ? 'off' : config.coordination.redis,
    topics: config.coordination.kind === 'off' ? 'embedded' : config.coordination.topics,
    pipelines: config.pipelinesDir,
    'definitions.meters': config.definitions.meters,
    'definitions.events': config.definitions.events,
    'conversion.compat': config.conversion.compat,
    'conversion.store_raw': config.conversion.storeRaw,
    'conversion.drop_unmatched_notifications': config.conversion.dropUnmatchedNotifications,
    'conversion.ack_on_event_error': config.conversion.ackOnEventError,
    'conversion.sample_source': config.conversion.sampleSource,
    'conversion.reserved_metadata_namespace': config.conversion.reservedMetadata.namespace,
    'conversion.reserved_metadata_keys': config.conversion.reservedMetadata.keys,
    'conversion.reserved_metadata_length': config.conversion.reservedMetadata.length,
    'limits.max_message_bytes': config.limits.maxMessageBytes,
    'limits.max_depth': config.limits.maxDepth,
    'limits.max_string': config.limits.maxString,
    'limits.max_samples_per_notification': config.limits.maxSamplesPerNotification,
    'admin.listen': config.admin.listen === null ? 'off' : `${config.admin.listen.host}:${config.admin.listen.port}`,
    'admin.token_file': config.admin.tokenFile,
    mail: config.mail ?? 'off',
    liveness: config.liveness ?? 'off',
    liveproxy: config.liveproxy ?? 'off',
    'log.level': config.log.level,
    'agent.static_id': config.agent.staticId,
    'agent.weight': config.agent.weight,
    'agent.workers': config.agent.workers,
    'agent.watch': config.agent.watch,
    'timing.linger_ms': config.timing.lingerMs,
    'timing.lease_ttl_ms': config.timing.leaseTtlMs,
    'timing.renew_ms': config.timing.renewMs,
    'timing.heartbeat_ms': config.timing.heartbeatMs,
    'timing.rejoin_grace_ms': config.timing.rejoinGraceMs,
    'timing.tick_ms': config.timing.tickMs,
    'timing.drain_ms': config.timing.drainMs,
    telemetry_secret: config.telemetrySecret,
    topic_bound_bytes: config.topicBoundBytes,
  };
  const scalars = settings
    .filter(({ path }) => path !== 'telemetry_secret_file')
    .map(({ path, secret }) => {
      const value = values[path];
      const fromFile = path === 'telemetry_secret' && origins.get('telemetry_secret_file');
      const origin = fromFile && fromFile !== 'default' ? fromFile : (origins.get(path) ?? 'default');
      return { path, value: secret && value !== null ? masked : mask(value, secrets), origin };
    });
  const inputs = config.inputs.map((input, i) => ({
    path: `inputs.${i}.${input.kind}`,
    value: mask({ name: input.name, ...(input.parameters as object) }, secrets),
    origin: origins.get('inputs') ?? 'default',
  }));
  const { spooler } = config;
  if (spooler === null) return [...scalars, ...inputs];
  return [...scalars, ...inputs, { path: 'spooler', value: mask(spooler, secrets), origin: origins.get('spooler') ?? 'default' }];
}

/** Texts with every secret and every password of a URL replaced. */
function mask(value: unknown, secrets: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return maskText(value, secrets);
  if (Array.isArray(value)) return value.map((each) => mask(each, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      isSecretKey(key) && typeof member === 'string' ? masked : mask(member, secrets),
    ]),
  );
}

function maskText(text: string, secrets: ReadonlySet<string>): string {
  let shown = text;
  for (const secret of secrets) if (secret !== '') shown = shown.replaceAll(secret, masked);
  return shown.replace(/(:\/\/[^/:@\s]*:)[^/@\s]*@/g, `$1${masked}@`);
}

const isSecretKey = (key: string) => /(?:password|secret|token|api[-_]?key|authorization)$/i.test(key);
