import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AmqpTopics, AmqpTopicsEvent } from '../../src/topics/amqp/amqp-topics.ts';
import { amqpTopics } from '../contract/amqp-ports.ts';
import { until } from '../contract/world.ts';
import { type OwnRabbitmq, startOwnRabbitmq } from '../services/own-rabbitmq.ts';
import { drain, genesisOf, refOf, Writer } from './amqp-topics-rig.ts';

const rounds = Number(process.env['ROUNDS'] ?? 3);

describe('appending to RabbitMQ while it is killed and started again', () => {
  let broker: OwnRabbitmq;
  let topics: AmqpTopics;
  let spoiled: string[] = [];

  beforeAll(async () => {
    broker = await startOwnRabbitmq();
  }, 120_000);
  afterAll(() => broker.dispose());
  beforeEach(() => {
    spoiled = [];
    // Connects again the moment the port opens: the dangerous time is the broker's first second.
    const timing = { reconnect: { baseMs: 20, capMs: 20 } };
    const report = (event: AmqpTopicsEvent) => void (event.kind === 'spoiled' && spoiled.push(event.why));
    topics = amqpTopics({ url: broker.url }, { timing, report });
  });
  afterEach(() => topics.close());

  for (let round = 1; round <= rounds; round++) {
    it(`loses nothing that was confirmed and leaves no gap, round ${round}`, { timeout: 120_000 }, async () => {
      const refs = [0, 1, 2, 3].map((partition) => refOf(partition, `round${round}`));
      await topics.create(refs, genesisOf, 100_000_000);
      const writer = new Writer(await topics.openAppender(), refs, 20);
      await until(() => (writer.count > 500 * round ? true : undefined));

      // Frozen first: killed in an instant at which everything is confirmed, it would take nothing with it.
      broker.signal('SIGSTOP');
      await until(() => (writer.underWay === 20 ? true : undefined));
      await broker.kill();
      await broker.launch();
      const before = writer.count;
      await broker.ready();
      await until(() => (writer.count > before + 5_000 ? true : undefined));
      await writer.stop();

      expect(spoiled).toContain('lost');
      for (const ref of refs) {
        const sequence = await drain(topics, ref);
        expect(sequence.held).toEqual([]);
        expect(sequence.applied).toBe(writer.confirmed.get(ref));
      }
    });
  }
});
