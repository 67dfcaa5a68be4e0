import { statSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Channel, type ConfirmChannel, connect } from 'amqplib';
import { readDefinitions } from '../src/config/definitions.ts';
import { shippedDefinitions } from '../src/config/load-setup.ts';
import { createConverter } from '../src/core/convert/converter.ts';
import { decodeNotification } from '../src/core/convert/envelope.ts';
import { pause } from '../test/faults/until.ts';
import { end, endTogether, start } from './children.ts';
import { LineCount } from './line-count.ts';
import { notification } from './notifications.ts';
import { cpuSeconds, median, percentile, rounded, rssAnonMiB } from './process-figures.ts';
import { parseReference } from './reference.ts';
import { scratchFolder } from './scratch.ts';

/**
 * One round: the built agent waits on an empty durable queue and is given the first notifications, until its code is compiled; its CPU time is
 * noted; the notifications are published; once every line stands in the files it is noted again. Then the same messages, first ones
 * included, go through a bare consume-and-acknowledge loop. The figures of a round are those of the agent's process alone.
 *
 * No further round begins after WITHIN_MS.
 *
 *     AMQP_URL=… node --import tsx bench/rabbitmq-to-file.ts NOTIFICATIONS ROUNDS WITHIN_MS
 */
const [count = 20_000, rounds = 3, withinMs = 300_000] = process.argv.slice(2).map(Number);
const url = process.env['AMQP_URL'] ?? '';
const topic = `bench-${process.pid}`;
const queue = `${topic}.info`;
const exchange = topic;
const prefetch = 1000;
const probes = 100;
/** An agent runs for months: what compiling costs belongs to its start, and is told apart. */
const first = Math.min(count, 20_000);

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

interface Round {
  readonly cpu: number;
  /** Of the first ones, compiling included. */
  readonly firstCpu: number;
  readonly bareCpu: number;
  /** Of 100,000 notifications. */
  readonly parseCpu: number;
  readonly perSecond: number;
  readonly rssAnon: number;
  readonly latencies: readonly number[];
}

async function until(done: () => boolean | Promise<boolean>, failure: string, withinMs = 120_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`${failure} within ${withinMs / 1000} s`);
    await pause(20);
  }
}

async function prepare(folder: string): Promise<string> {
  await mkdir(join(folder, 'pipelines'));
  for (const kind of ['samples', 'events']) {
    const sink = `sink: all-${kind}\nfrom: ${kind}\nmatch: ["*"]\npublish:\n  - file: { path: out/${kind}.jsonl }\n`;
    await writeFile(join(folder, 'pipelines', `${kind}.yaml`), sink);
  }
  const input = { amqp: { url, exchanges: [exchange], topics: [topic], priorities: ['info'], durable: true, prefetch } };
  await writeFile(join(folder, 'agent.yaml'), `data_dir: data\npipelines: pipelines\ninputs: [${JSON.stringify(input)}]\n`);
  return join(folder, 'agent.yaml');
}

async function publishAll(channel: ConfirmChannel, bodies: readonly Uint8Array[]): Promise<void> {
  for (const body of bodies) {
    if (!channel.publish(exchange, queue, Buffer.from(body), { persistent: true }))
      await new Promise((resolve) => channel.once('drain', resolve));
  }
  await channel.waitForConfirms();
}

async function round(
  channel: ConfirmChannel,
  bodies: readonly Uint8Array[],
  expected: { readonly first: Expected; readonly all: Expected },
): Promise<Round> {
  const folder = scratchFolder();
  const profile = process.env['BENCH_CPU_PROF'];
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  flags.push(...(process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter(Boolean));
  const agent = start([process.execPath, ...flags, main, 'agent', '-c', await prepare(folder)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { CEILOGRAPH_LOG_LEVEL: 'warn' },
  });
  const pid = agent.pid as number;
  try {
    const samples = new LineCount(join(folder, 'out', 'samples.jsonl'));
    const events = new LineCount(join(folder, 'out', 'events.jsonl'));
    await until(async () => (await channel.checkQueue(queue)).consumerCount === 1, 'the agent does not consume');
    await pause(500);
    let rssAnon = 0;
    const pass = async (some: readonly Uint8Array[], lines: Expected) => {
      const before = cpuSeconds(pid);
      const published = publishAll(channel, some);
      await until(() => {
        if (agent.exitCode !== null) throw new Error(`the agent ended with ${agent.exitCode}`);
        rssAnon = Math.max(rssAnon, rssAnonMiB(pid));
        return samples.look() >= lines.samples && events.look() >= lines.events;
      }, 'not every line came into the files');
      const cpu = cpuSeconds(pid) - before;
      await published;
      if (samples.count !== lines.samples || events.count !== lines.events)
        throw new Error(
          `${samples.count} samples and ${events.count} events stand in the files, expected ${JSON.stringify(lines)}`,
        );
      return cpu;
    };
    const firstCpu = await pass(bodies.slice(0, first), expected.first);
    const startedAt = performance.now();
    const cpu = await pass(bodies, {
      samples: expected.first.samples + expected.all.samples,
      events: expected.first.events + expected.all.events,
    });
    const seconds = (performance.now() - startedAt) / 1000;
    const latencies = await probe(channel, bodies, join(folder, 'out', 'events.jsonl'));
    await end(agent);
    const bareCpu = await bare(channel, bodies);
    return { cpu, firstCpu, bareCpu, parseCpu: parseReference(), perSecond: bodies.length / seconds, rssAnon, latencies };
  } finally {
    await end(agent, 'SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

/** One at a time, unhurried: how long until the line stands in the file (looked at every millisecond). */
async function probe(channel: ConfirmChannel, bodies: readonly Uint8Array[], path: string): Promise<number[]> {
  const latencies: number[] = [];
  for (const body of bodies.slice(0, probes)) {
    const size = statSync(path).size;
    const at = performance.now();
    channel.publish(exchange, queue, Buffer.from(body), { persistent: true });
    while (statSync(path).size === size) await pause(1);
    latencies.push(performance.now() - at);
    await pause(20);
  }
  return latencies;
}

/** What consuming costs at least: the same queue, the same prefetch, an acknowledgement each, nothing done. */
async function bare(channel: ConfirmChannel, bodies: readonly Uint8Array[]): Promise<number> {
  await channel.purgeQueue(queue);
  const path = fileURLToPath(new URL('bare-consumer.ts', import.meta.url));
  const command = [process.execPath, '--import', 'tsx', path, url, queue, `${prefetch}`, `${first + bodies.length}`];
  const loop = start(command, { stdio: ['ignore', 'ignore', 'inherit'] });
  const pid = loop.pid as number;
  await until(async () => (await channel.checkQueue(queue)).consumerCount === 1, 'the bare loop does not consume');
  await pause(500);
  await publishAll(channel, bodies.slice(0, first));
  await until(async () => (await channel.checkQueue(queue)).messageCount === 0, 'the bare loop does not get on');
  await pause(500);
  const before = cpuSeconds(pid);
  await publishAll(channel, bodies);
  await until(async () => (await channel.checkQueue(queue)).consumerCount === 0, 'the bare loop did not get everything');
  const cpu = cpuSeconds(pid) - before;
  await end(loop);
  return cpu;
}

interface Expected {
  readonly samples: number;
  readonly events: number;
}

async function expectedOf(bodies: readonly Uint8Array[]): Promise<Expected> {
  const converter = createConverter(await readDefinitions(shippedDefinitions, 'yaml-1.2'));
  let [samples, events] = [0, 0];
  for (const body of bodies) {
    const converted = converter.convert(decodeNotification(body));
    samples += converted.samples.length;
    events += converted.events.length;
  }
  return { samples, events };
}

async function declare(channel: Channel): Promise<void> {
  await channel.assertExchange(exchange, 'topic', { durable: true });
  await channel.assertQueue(queue, { durable: true });
  await channel.bindQueue(queue, exchange, queue);
}

endTogether();
const startedAt = performance.now();
const bodies = Array.from({ length: count }, (_, i) => notification(i));
const expected = { first: await expectedOf(bodies.slice(0, first)), all: await expectedOf(bodies) };
const connection = await connect(url, { noDelay: true });
const channel = await connection.createConfirmChannel();
await declare(channel);
const done: Round[] = [];
try {
  for (let i = 0; i < rounds && (i === 0 || performance.now() - startedAt < withinMs); i++) {
    const figures = await round(channel, bodies, expected);
    done.push(figures);
    process.stderr.write(
      `round ${i + 1}: ${((figures.cpu / count) * 1e5).toFixed(2)} CPU-s per 100 k (the first ${first}: ${figures.firstCpu.toFixed(2)} s), bare ${((figures.bareCpu / count) * 1e5).toFixed(2)}, ` +
        `${figures.perSecond.toFixed(0)}/s, ${figures.rssAnon.toFixed(0)} MiB\n`,
    );
  }
} finally {
  await channel.deleteQueue(queue);
  await channel.deleteExchange(exchange);
  await connection.close();
}
const per100k = (cpu: (one: Round) => number) => (median(done.map(cpu)) / count) * 100_000;
const latencies = done.flatMap((one) => one.latencies);
console.log(
  JSON.stringify({
    notifications: count,
    rounds: done.length,
    cpuSecondsPer100k: rounded(
      per100k((one) => one.cpu),
      2,
    ),
    firstNotifications: first,
    cpuSecondsOfTheFirst: rounded(median(done.map((one) => one.firstCpu)), 2),
    bareCpuSecondsPer100k: rounded(
      per100k((one) => one.bareCpu),
      2,
    ),
    parseCpuSecondsPer100k: rounded(median(done.map((one) => one.parseCpu)), 2),
    ratioToBare: rounded(median(done.map((one) => one.cpu / one.bareCpu)), 1),
    perSecond: Math.round(median(done.map((one) => one.perSecond))),
    p50Ms: rounded(percentile(latencies, 0.5), 1),
    p99Ms: rounded(percentile(latencies, 0.99), 1),
    rssAnonMiB: rounded(median(done.map((one) => one.rssAnon)), 0),
  }),
);
