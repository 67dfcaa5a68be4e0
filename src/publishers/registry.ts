import type { ZodType } from 'zod';
import { AmqpSchema, summary as amqpSummary } from './amqp/schema.ts';
import { FileSchema, summary as fileSummary } from './file/schema.ts';
import { HttpSchema, summary as httpSummary } from './http/schema.ts';
import { type BatchSize, requestSized, writeSized } from './lane-options.ts';
import { MailSchema, summary as mailSummary } from './mail/schema.ts';
import type { PublisherKind } from './publisher.ts';
import { SpoolSchema, summary as spoolSummary } from './spool/schema.ts';
import { StdoutSchema, summary as stdoutSummary } from './stdout/schema.ts';

export { LaneSchema } from './lane-options.ts';

export interface PublisherEntry {
  readonly summary: string;
  readonly schema: ZodType;
  readonly batch: BatchSize;
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
};
