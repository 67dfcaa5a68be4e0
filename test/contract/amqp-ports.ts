import { systemClock } from '../../src/lib/clock.ts';
import { createKeyRing } from '../../src/lib/key-ring.ts';
import { AmqpTopics, type AmqpTopicsOptions } from '../../src/topics/amqp/amqp-topics.ts';

export interface AmqpConfig {
  readonly url: string;
}

export const testKeys = createKeyRing('k1', new Map([['k1', 'a key for tests, which anybody may know']]));

export function amqpTopics({ url }: AmqpConfig, more: Partial<AmqpTopicsOptions> = {}): AmqpTopics {
  const options = { urls: async () => [url], keys: testKeys, clock: systemClock, random: Math.random };
  return new AmqpTopics({ ...options, ...more });
}

export async function openPorts(config: AmqpConfig) {
  const topics = amqpTopics(config);
  return { topics, close: () => topics.close() };
}
