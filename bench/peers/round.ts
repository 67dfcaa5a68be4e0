import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { pause } from '../../test/faults/until.ts';
import { cpuSecondsOf } from '../../test/peers/ceilometer/process-cost.ts';
import { end, start } from '../children.ts';
import { cpuSeconds, rssAnonMiB } from '../process-figures.ts';
import { scratchFolder } from '../scratch.ts';
import type { Candidate } from './candidates.ts';
import { job, jobNotification, passing } from './job.ts';

export interface Round {
  readonly cpuSecondsPer100k: number;
  readonly brokerCpuSecondsPer100k: number;
  readonly perSecond: number;
  readonly rssAnonMiB: number;
  readonly latenciesMs: readonly number[];
}

interface Look {
  readonly at: number;
  readonly cpu: number;
  readonly broker: number;
  readonly waiting: number;
  readonly outputs: number;
}

const quietMs = 1_500;
const patienceMs = 180_000;
const probes = 20;

/** The start script of a broker of ours; the broker is a child of it. Of another broker nothing is known (NaN). */
async function brokerCpu(): Promise<number> {
  const file = join(process.env['SERVICES_DIR'] ?? '', 'rabbitmq', 'main.pid');
  return existsSync(file) ? await cpuSecondsOf(Number(readFileSync(file, 'utf8'))) : Number.NaN;
}

export async function declareJob(channel: ConfirmChannel): Promise<void> {
  await channel.assertExchange(job.exchange, 'topic', { durable: true });
  await channel.assertQueue(job.queue, { durable: true });
  await channel.bindQueue(job.queue, job.exchange, job.queue);
  await channel.assertExchange(job.outExchange, 'topic', { durable: true });
  await channel.assertQueue(job.outQueue, { durable: true });
  await channel.bindQueue(job.outQueue, job.outExchange, job.outQueue);
}

/**
 * The queue is filled, the candidate started. Its CPU time is noted once the first notifications are through (its code is compiled, its
 * connections stand), and again when nothing waits and no output has come for a while, back at the last change. Then what came
 * out is counted. At last some notifications come unhurried.
 */
export async function round(
  connection: ChannelModel,
  channel: ConfirmChannel,
  candidate: Candidate,
  count: number,
  first: number,
): Promise<Round> {
  await channel.purgeQueue(job.queue);
  await channel.purgeQueue(job.outQueue);
  const folder = scratchFolder();
  const total = first + count;
  for (let i = 0; i < total; i++) {
    const options = { persistent: true, contentType: 'application/json' };
    if (!channel.publish(job.exchange, job.queue, jobNotification(i), options))
      await new Promise((resolve) => channel.once('drain', resolve));
  }
  await channel.waitForConfirms();
  await pause(500);
  const command = await candidate.command(folder, new URL(process.env['AMQP_URL'] ?? ''));
  const child = start(command, { stdio: ['ignore', 'ignore', 'inherit'] });
  const pid = child.pid as number;
  try {
    const looks: Look[] = [];
    let rss = 0;
    const look = async () => {
      if (child.exitCode !== null) throw new Error(`${candidate.name} ended with ${child.exitCode}`);
      rss = Math.max(rss, rssAnonMiB(pid));
      const [input, output] = [await channel.checkQueue(job.queue), await channel.checkQueue(job.outQueue)];
      return {
        ...{ at: performance.now(), cpu: cpuSeconds(pid), broker: await brokerCpu() },
        ...{ waiting: input.messageCount, outputs: output.messageCount },
      };
    };
    const startedAt = performance.now();
    for (;;) {
      const now = await look();
      const before = looks.at(-1);
      if (before === undefined || before.waiting !== now.waiting || before.outputs !== now.outputs) looks.push(now);
      else if (now.waiting === 0 && now.outputs > 0 && now.at - before.at > quietMs) break;
      if (now.at - startedAt > patienceMs) throw new Error(`${candidate.name} is not through: ${JSON.stringify(now)}`);
      await pause(20);
    }
    const from = looks.find(({ waiting }) => waiting <= count);
    const to = looks.at(-1);
    if (from === undefined || to === undefined || from === to) throw new Error(`${candidate.name} was too fast to be measured`);
    await countOutputs(connection, candidate, total);
    const handled = from.waiting;
    const per100k = (seconds: number) => (seconds / handled) * 100_000;
    return {
      cpuSecondsPer100k: per100k(to.cpu - from.cpu),
      brokerCpuSecondsPer100k: per100k(to.broker - from.broker),
      perSecond: (handled / (to.at - from.at)) * 1000,
      rssAnonMiB: rss,
      latenciesMs: await latencies(channel),
    };
  } finally {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  }
}

/** At least once is what all of them promise, so more is no fault. */
async function countOutputs(connection: ChannelModel, candidate: Candidate, total: number): Promise<void> {
  const expected = Array.from({ length: total }, (_, i) => i).filter(passing).length;
  const channel = await connection.createChannel();
  let samples = 0;
  for (let got = await channel.get(job.outQueue, { noAck: true }); got !== false; ) {
    samples += candidate.samplesIn(got.content);
    got = await channel.get(job.outQueue, { noAck: true });
  }
  await channel.close();
  if (samples < expected) throw new Error(`${candidate.name} gave ${samples} samples of ${expected}`);
}

/** Of notifications that come one by one: until the sample stands in the queue (asked for every other millisecond). */
async function latencies(channel: ConfirmChannel): Promise<readonly number[]> {
  const found: number[] = [];
  for (let i = 0; i < probes; i++) {
    const before = (await channel.checkQueue(job.outQueue)).messageCount;
    const at = performance.now();
    channel.publish(job.exchange, job.queue, jobNotification(5 * i), { persistent: true });
    while ((await channel.checkQueue(job.outQueue)).messageCount === before) {
      if (performance.now() - at > patienceMs) throw new Error('a notification did not come through');
      await pause(2);
    }
    found.push(performance.now() - at);
    await pause(20);
  }
  return found;
}
