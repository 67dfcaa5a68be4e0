import { join } from 'node:path';
import type { ConfirmChannel } from 'amqplib';
import { pause } from '../../test/faults/until.ts';
import { RunningAgent } from '../../test/peers/ceilometer/run-agent.ts';
import { makeSite } from '../../test/peers/ceilometer/site.ts';
import { requirements, virtualEnvironment } from '../../test/peers/python/virtual-environment.ts';
import { LineCount } from '../line-count.ts';
import { notification } from '../notifications.ts';
import { scratchFolder } from '../scratch.ts';

/**
 * The whole conversion, beside Ceilometer itself: the same folder of configuration, the same notifications from the same queue, samples and events into
 * files. CPU from the time the first notifications are through to the last line, children included.
 */
export interface Conversion {
  readonly cpuSecondsPer100k: number;
  readonly perSecond: number;
}

const queue = 'notifications.info';
const patienceMs = 300_000;

export async function conversion(
  channel: ConfirmChannel,
  who: 'ours' | { readonly batchSize: number },
  count: number,
  first: number,
): Promise<Conversion> {
  const environment = await virtualEnvironment(requirements.ceilometer);
  await channel.assertQueue(queue, { durable: false });
  await channel.purgeQueue(queue);
  const options = { contentType: 'application/json', contentEncoding: 'utf-8' };
  for (let i = 0; i < first + count; i++) {
    if (!channel.sendToQueue(queue, Buffer.from(notification(i)), options))
      await new Promise((resolve) => channel.once('drain', resolve));
  }
  await channel.waitForConfirms();
  const folder = scratchFolder();
  const publish = (what: string) => `publishers: ["file://${join(folder, what)}?json"]`;
  await makeSite(folder, {
    broker: process.env['AMQP_URL'] ?? '',
    package: join(environment, 'lib/python3.11/site-packages/ceilometer'),
    pipeline: `sources: [{name: s, meters: ["*"], sinks: [k]}]\nsinks: [{name: k, ${publish('samples.json')}}]\n`,
    eventPipeline: `sources: [{name: e, events: ["*"], sinks: [k]}]\nsinks: [{name: k, ${publish('events.json')}}]\n`,
    options: `[notification]\nbatch_size = ${who === 'ours' ? 1 : who.batchSize}\nbatch_timeout = 1\n`,
  });
  const agent = who === 'ours' ? RunningAgent.ours(folder, join(folder, 'data')) : RunningAgent.theirs(environment, folder);
  try {
    // Every notification makes one event, and its line comes last.
    const events = new LineCount(join(folder, 'events.json'));
    const startedAt = performance.now();
    const through = async (wanted: number) => {
      while (events.look() < wanted) {
        if (agent.hasEnded || performance.now() - startedAt > patienceMs) throw new Error(`${events.look()} events of ${wanted}`);
        await pause(50);
      }
      return { at: performance.now(), cpu: await agent.cpuSeconds(), lines: events.look() };
    };
    const from = await through(first);
    const to = await through(first + count);
    const handled = to.lines - from.lines;
    return {
      cpuSecondsPer100k: ((to.cpu - from.cpu) / handled) * 100_000,
      perSecond: (handled / (to.at - from.at)) * 1000,
    };
  } finally {
    await agent.stop();
  }
}
