import { z } from 'zod';
import { kafkaConnection } from '../../model/kafka-connection.ts';

export const KafkaSchema = z.strictObject({
  ...kafkaConnection,
  topic: z
    .string()
    .regex(/^[\w.-]{1,249}$/, 'expected letters, digits, dots, dashes and underscores')
    .describe('Must exist; it is not created.'),
  timeout_ms: z.int().min(1).default(10_000).describe('How long the brokers may take to confirm a batch.'),
});
export type KafkaParameters = z.output<typeof KafkaSchema>;
export const summary =
  'Publishes every item as a message to a Kafka topic, by the key of its partition. Repeated ones carry the same `id` header.';
