import { z } from 'zod';
import { kafkaConnection } from '../../model/kafka-connection.ts';

const TopicName = z.string().regex(/^[\w.-]{1,249}$/, 'expected letters, digits, dots, dashes and underscores');

export const KafkaInputSchema = z.strictObject({
  ...kafkaConnection,
  topics: z
    .array(TopicName)
    .min(1)
    .describe('Topics of notifications. They must exist. Of a name such as `notifications.info` the end is the priority.'),
  group: z
    .string()
    .regex(/^[\w.-]{1,249}$/, 'expected letters, digits, dots, dashes and underscores')
    .default('ceilograph')
    .describe('The consumer group, whose members share the partitions of the topics. Offsets are kept under its name.'),
  start: z
    .enum(['earliest', 'latest'])
    .default('earliest')
    .describe('Where a group begins that has no offset yet, or whose offset Kafka no longer has.'),
  prefetch: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe('At most so many notifications are in work at a time; at least rate × (linger + confirm time).'),
  session_timeout_ms: z
    .int()
    .min(6_000)
    .max(60_000)
    .default(30_000)
    .describe('A member that is silent for so long loses its partitions to the others.'),
  request_timeout_ms: z.int().min(1000).default(10_000).describe('How long a broker may take to answer.'),
});
export type KafkaInputParameters = z.output<typeof KafkaInputSchema>;
export const summary =
  'Consumes notifications from Kafka topics in a consumer group, and commits the offsets of what is durable.';
