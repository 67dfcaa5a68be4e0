import type { ZodType } from 'zod';
import { kafkaMissing } from '../lib/kafka-client.ts';
import { queueNames } from './amqp/queue-names.ts';
import { type AmqpInputParameters, AmqpInputSchema, summary as amqpSummary } from './amqp/schema.ts';
import { FileInputSchema, summary as fileSummary } from './file/schema.ts';
import { HttpInputSchema, summary as httpSummary } from './http/schema.ts';
import type { InputKind } from './input.ts';
import { KafkaInputSchema, summary as kafkaSummary } from './kafka/schema.ts';
import { RedisListsSchema, summary as redisListsSummary } from './redis-lists/schema.ts';
import { SpoolInputSchema, summary as spoolSummary } from './spool/schema.ts';

export interface InputEntry {
  readonly summary: string;
  readonly schema: ZodType;
  /** What this kind needs and is not installed, with the remedy; null or absent when it can run. */
  readonly missing?: () => { readonly message: string; readonly hint: string } | null;
  // biome-ignore lint/suspicious/noExplicitAny: the parameters are hidden in the registry; the entry's own schema parses them.
  readonly load: () => Promise<InputKind<any>>;
  /** The raw queues of the input; a canary comes back through each of them. Without: the input is one feed. */
  readonly queues?: (parameters: unknown) => readonly string[];
}

/** Schemas are at hand, clients are not: `check` parses a configuration without loading a client library. Stdin is `file: {path: '-'}`. */
export const inputs: Readonly<Record<string, InputEntry>> = {
  amqp: {
    summary: amqpSummary,
    schema: AmqpInputSchema,
    load: async () => (await import('./amqp/index.ts')).amqp,
    queues: (parameters) => queueNames(parameters as AmqpInputParameters),
  },
  kafka: {
    summary: kafkaSummary,
    schema: KafkaInputSchema,
    missing: kafkaMissing,
    load: async () => (await import('./kafka/index.ts')).kafka,
  },
  http: { summary: httpSummary, schema: HttpInputSchema, load: async () => (await import('./http/index.ts')).http },
  spool: { summary: spoolSummary, schema: SpoolInputSchema, load: async () => (await import('./spool/index.ts')).spool },
  'redis-lists': {
    summary: redisListsSummary,
    schema: RedisListsSchema,
    load: async () => (await import('./redis-lists/index.ts')).redisLists,
  },
  file: { summary: fileSummary, schema: FileInputSchema, load: async () => (await import('./file/index.ts')).file },
};
