import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AmqpTopics } from '../../src/topics/amqp/amqp-topics.ts';
import { amqpTopics } from '../contract/amqp-ports.ts';
import { type OwnRabbitmq, startOwnRabbitmq } from '../services/own-rabbitmq.ts';
import { entry, genesisOf, never, refOf, takeTexts } from './amqp-topics-rig.ts';

describe('a partition that changes its owner while others ask for its figures', () => {
  let broker: OwnRabbitmq;
  let owner: AmqpTopics;
  let watcher: AmqpTopics;

  beforeAll(async () => {
    broker = await startOwnRabbitmq();
    [owner, watcher] = [amqpTopics(broker, { timing: { settleMs: 0 } }), amqpTopics(broker)];
  }, 120_000);
  afterAll(async () => {
    await owner.close();
    await watcher.close();
    await broker.dispose();
  });

  it('is read in order by each of them', { timeout: 60_000 }, async () => {
    const ref = refOf(0);
    await owner.create([ref], genesisOf, 10_000_000);
    const entries = Array.from({ length: 2_000 }, (_, i) => entry(ref, i + 1));
    await (await owner.openAppender()).append(entries, never);
    const stop = new AbortController();
    const watching = (async () => {
      while (!stop.signal.aborted) await watcher.stats(ref, true);
    })();

    const read: string[] = [];
    for (let owners = 0; owners < 15; owners++) {
      const attachment = await owner.attach(ref, null, 512);
      read.push(...(await takeTexts(attachment, 20)));
      await attachment.settle(20);
      await attachment.close();
    }
    stop.abort();
    await watching;

    expect(read).toEqual(Array.from({ length: 300 }, (_, i) => String(i)));
  });
});
