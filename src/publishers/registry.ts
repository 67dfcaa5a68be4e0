import type { ZodType } from 'zod';
import { kafkaMissing } from '../lib/kafka-client.ts';
import { AmqpSchema, summary as amqpSummary } from './amqp/schema.ts';
import { FileSchema, summary as fileSummary } from './file/schema.ts';
import { GnocchiSchema, summary as gnocchiSummary } from './gnocchi/schema.ts';
import { HttpSchema, summary as httpSummary } from './http/schema.ts';
import { KafkaSchema, summary as kafkaSummary } from './kafka/schema.ts';
import { type BatchSize, requestSized, writeSized } from './lane-options.ts';
import { MailSchema, summary as mailSummary } from './mail/schema.ts';
import { OtlpSchema, summary as otlpSummary } from './otlp/schema.ts';
import { PostgresSchema, summary as postgresSummary } from './postgres/schema.ts';
import { PrometheusSchema, summary as prometheusSummary } from './prometheus/schema.ts';
import type { PublisherKind } from './publisher.ts';
import { PushgatewaySchema, summary as pushgatewaySummary } from './pushgateway/schema.ts';
import { RedisStreamSchema, summary as redisStreamSummary } from './redis-stream/schema.ts';
import { SpoolSchema, summary as spoolSummary } from './spool/schema.ts';
import { StdoutSchema, summary as stdoutSummary } from './stdout/schema.ts';
import { TcpSchema, summary as tcpSummary } from './tcp/schema.ts';
import { UdpSchema, summary as udpSummary } from './udp/schema.ts';

export { LaneSchema } from './lane-options.ts';

export interface PublisherEntry {
  readonly summary: string;
  readonly schema: ZodType;
  readonly batch: BatchSize;
  /** What this kind needs and is not installed, with the remedy; null or absent when it can run. */
  readonly missing?: () => { readonly message: string; readonly hint: string } | null;
  // biome-ignore lint/suspicious/noExplicitAny: the parameters are hidden in the registry; the entry's own schema parses them.
  readonly load: () => Promise<PublisherKind<any>>;
}

/** Schemas are at hand, clients are not: `check` parses a configuration without loading a client library. */
export const publishers: Readonly<Record<string, PublisherEntry>> = {
  stdout: {
    summary: stdoutSummary,
    schema: StdoutSchema,
    batch: writeSized,
    load: async () => (await import('./stdout/index.ts')).stdout,
  },
  file: { summary: fileSummary, schema: FileSchema, batch: writeSized, load: async () => (await import('./file/index.ts')).file },
  http: {
    summary: httpSummary,
    schema: HttpSchema,
    batch: requestSized,
    load: async () => (await import('./http/index.ts')).httpPublisher,
  },
  amqp: {
    summary: amqpSummary,
    schema: AmqpSchema,
    batch: requestSized,
    load: async () => (await import('./amqp/index.ts')).amqp,
  },
  kafka: {
    summary: kafkaSummary,
    schema: KafkaSchema,
    batch: requestSized,
    missing: kafkaMissing,
    load: async () => (await import('./kafka/index.ts')).kafka,
  },
  spool: {
    summary: spoolSummary,
    schema: SpoolSchema,
    batch: writeSized,
    load: async () => (await import('./spool/index.ts')).spool,
  },
  mail: {
    summary: mailSummary,
    schema: MailSchema,
    batch: requestSized,
    load: async () => (await import('./mail/index.ts')).mail,
  },
  gnocchi: {
    summary: gnocchiSummary,
    schema: GnocchiSchema,
    batch: requestSized,
    load: async () => (await import('./gnocchi/index.ts')).gnocchi,
  },
  prometheus: {
    summary: prometheusSummary,
    schema: PrometheusSchema,
    batch: requestSized,
    load: async () => (await import('./prometheus/index.ts')).prometheus,
  },
  pushgateway: {
    summary: pushgatewaySummary,
    schema: PushgatewaySchema,
    batch: requestSized,
    load: async () => (await import('./pushgateway/index.ts')).pushgateway,
  },
  otlp: {
    summary: otlpSummary,
    schema: OtlpSchema,
    batch: requestSized,
    load: async () => (await import('./otlp/index.ts')).otlp,
  },
  postgres: {
    summary: postgresSummary,
    schema: PostgresSchema,
    batch: requestSized,
    load: async () => (await import('./postgres/index.ts')).postgres,
  },
  'redis-stream': {
    summary: redisStreamSummary,
    schema: RedisStreamSchema,
    batch: requestSized,
    load: async () => (await import('./redis-stream/index.ts')).redisStream,
  },
  tcp: {
    summary: tcpSummary,
    schema: TcpSchema,
    batch: requestSized,
    load: async () => (await import('./tcp/index.ts')).tcp,
  },
  udp: {
    summary: udpSummary,
    schema: UdpSchema,
    batch: requestSized,
    load: async () => (await import('./udp/index.ts')).udp,
  },
};

/** For who has read a configuration, which names no other kinds. */
export async function loadPublisher(kind: string): ReturnType<PublisherEntry['load']> {
  const entry = publishers[kind];
  if (entry === undefined) throw new Error(`no publisher of kind ${kind}`);
  return await entry.load();
}
