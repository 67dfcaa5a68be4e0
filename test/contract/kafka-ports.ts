import { systemClock } from '../../src/lib/clock.ts';
import { KafkaTopics, type KafkaTopicsOptions } from '../../src/topics/kafka/kafka-topics.ts';
import { testKeys } from './amqp-ports.ts';

export interface KafkaConfig {
  readonly broker: string;
}

export function kafkaTopics({ broker }: KafkaConfig, more: Partial<KafkaTopicsOptions> = {}): KafkaTopics {
  return new KafkaTopics({
    settings: async () => ({ brokers: [broker], clientId: 'test', tls: null, sasl: null, requestTimeoutMs: 5_000 }),
    keys: testKeys,
    clock: systemClock,
    random: Math.random,
    replication: null,
    boundBytes: 1_000_000,
    timing: { trimMs: 20 },
    ...more,
  });
}

export async function openPorts(config: KafkaConfig) {
  const topics = kafkaTopics(config);
  return { topics, close: () => topics.close() };
}
