import { systemClock } from '../../src/lib/clock.ts';
import { createKeyRing } from '../../src/lib/key-ring.ts';
import { AmqpTopics, type AmqpTopicsOptions } from '../../src/topics/amqp/amqp-topics.ts';
import { openConnection } from '../../src/topics/amqp/connection.ts';

export interface AmqpConfig {
  readonly url: string;
}

export const testKeys = createKeyRing('k1', new Map([['k1', 'a key for tests, which anybody may know']]));

export function amqpTopics({ url }: AmqpConfig, more: Partial<AmqpTopicsOptions> = {}): AmqpTopics {
  const options = { urls: async () => [url], keys: testKeys, clock: systemClock, random: Math.random };
  return new AmqpTopics({ ...options, ...more });
}

export async function openPorts(config: AmqpConfig) {
  // No broker is killed just after a queue was made here.
  const topics = amqpTopics(config, { timing: { settleMs: 0 } });
  return { topics, close: () => topics.close() };
}

/** What a control log needs; its queue gets no time to settle, for no broker is killed here. */
export function controlOptions({ url }: AmqpConfig) {
  const connect = () =>
    openConnection({ urls: [url], name: 'control', heartbeatS: 5, socket: {}, clock: systemClock, onBlocked: () => {} });
  return { keys: testKeys, clock: systemClock, connect, settleMs: 0 };
}
