import type { AgentConfig, ClusterConfig, Coordination, InputConfig } from './agent-config.ts';
import type { AgentFileValues } from './agent-schema.ts';
import { toLiveness } from './liveness-values.ts';
import { toMail } from './mail-values.ts';

/** From the words of the file to those of the code, every path absolute. */
export function toAgentConfig(
  values: AgentFileValues,
  inputs: readonly InputConfig[],
  telemetrySecret: string | null,
  place: (path: string, text: string) => string,
  baseDir: string,
  origin: string | null,
): AgentConfig {
  const { conversion, limits, timing } = values;
  return {
    cluster: values.cluster,
    dataDir: place('data_dir', values.data_dir),
    coordination: toCoordination(values, place),
    inputs,
    spooler: values.spooler ?? null,
    liveproxy: values.liveproxy === undefined ? null : place('liveproxy', values.liveproxy),
    pipelinesDir: place('pipelines', values.pipelines),
    definitions: {
      meters: values.definitions.meters.map((each) => place('definitions.meters', each)),
      events: values.definitions.events.map((each) => place('definitions.events', each)),
    },
    conversion: {
      compat: conversion.compat,
      storeRaw: conversion.store_raw,
      dropUnmatchedNotifications: conversion.drop_unmatched_notifications,
      ackOnEventError: conversion.ack_on_event_error,
      sampleSource: conversion.sample_source,
      reservedMetadata: {
        namespace: conversion.reserved_metadata_namespace,
        keys: conversion.reserved_metadata_keys,
        length: conversion.reserved_metadata_length,
      },
    },
    limits: {
      maxMessageBytes: limits.max_message_bytes,
      maxDepth: limits.max_depth,
      maxString: limits.max_string,
      maxSamplesPerNotification: limits.max_samples_per_notification,
    },
    admin: {
      listen: values.admin.listen,
      tokenFile: values.admin.token_file === undefined ? null : place('admin.token_file', values.admin.token_file),
    },
    mail: values.mail === 'off' ? null : toMail(values.mail, place),
    liveness: values.liveness === 'off' ? null : toLiveness(values.liveness, place),
    log: values.log,
    agent: {
      staticId: values.agent.static_id ?? null,
      weight: values.agent.weight,
      workers: values.agent.workers,
      watch: values.agent.watch,
    },
    timing: {
      lingerMs: timing.linger_ms,
      leaseTtlMs: timing.lease_ttl_ms,
      renewMs: timing.renew_ms,
      heartbeatMs: timing.heartbeat_ms,
      rejoinGraceMs: timing.rejoin_grace_ms,
      tickMs: timing.tick_ms,
      drainMs: timing.drain_ms,
    },
    telemetrySecret,
    topicBoundBytes: values.topic_bound_bytes,
    baseDir,
    origin,
  };
}

type Place = (path: string, text: string) => string;

function toCoordination({ coordination, topics }: AgentFileValues, place: Place): Coordination {
  if (coordination === 'off' || topics === 'embedded') return { kind: 'off' };
  const { redis } = coordination;
  const at = (path: string, text: string | undefined) => (text === undefined ? null : place(path, text));
  return {
    kind: 'redis',
    redis: {
      url: redis.url,
      aclUser: redis.acl_user ?? null,
      passwordFile: at('coordination', redis.password_file),
      tls: redis.tls,
      sentinels: redis.sentinels === undefined ? null : toSentinels(redis.sentinels, at),
      recovery: redis.recovery,
    },
    topics: 'kafka' in topics ? toKafka(topics.kafka, at) : toAmqp(topics.amqp, at),
    keysFile: place('coordination', coordination.keys_file),
  };
}

function toSentinels({ hosts, acl_user, password_file }: SentinelValues, at: At): ClusterConfig['redis']['sentinels'] {
  return { hosts, aclUser: acl_user ?? null, passwordFile: at('coordination', password_file) };
}

type At = (path: string, text: string | undefined) => string | null;
type SentinelValues = NonNullable<Exclude<AgentFileValues['coordination'], 'off'>['redis']['sentinels']>;
type SharedTopics = Exclude<AgentFileValues['topics'], 'embedded'>;

function toAmqp(amqp: Extract<SharedTopics, { amqp: unknown }>['amqp'], at: At): ClusterConfig['topics'] {
  const urls = typeof amqp.url === 'string' ? [amqp.url] : amqp.url;
  return { kind: 'amqp', urls, passwordFile: at('topics', amqp.password_file), tls: amqp.tls };
}

function toKafka(kafka: Extract<SharedTopics, { kafka: unknown }>['kafka'], at: At): ClusterConfig['topics'] {
  const { replication, sasl, ...connection } = kafka;
  const file = at('topics', sasl?.password_file);
  const known = sasl === undefined ? {} : { sasl: { ...sasl, ...(file === null ? {} : { password_file: file }) } };
  return { kind: 'kafka', connection: { ...connection, ...known }, replication: replication ?? null };
}
