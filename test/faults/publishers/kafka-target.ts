import { randomUUID } from 'node:crypto';
import { createTopic, deleteTopic, messagesOf, throughProxy } from '../../services/kafka.ts';
import { type HurtTarget, opened, timeout_ms } from './hurt-target.ts';

export async function kafka(): Promise<HurtTarget> {
  const { proxy, broker } = await throughProxy();
  const topic = `hurt-${randomUUID()}`;
  await createTopic(topic);
  return {
    kind: 'kafka',
    proxy,
    open: (context) => opened('kafka', { brokers: [broker], topic, timeout_ms }, context),
    ids: async () => (await messagesOf(topic)).map(({ headers }) => headers['id'] ?? ''),
    close: async () => {
      await proxy.close();
      await deleteTopic(topic);
    },
  };
}
