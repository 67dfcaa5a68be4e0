import { setMaxListeners } from 'node:events';
import { parseArgs } from 'node:util';
import { openEmbedded } from '../src/agent/open-embedded.ts';
import { itemLines } from '../src/core/convert/wire.ts';
import { systemClock } from '../src/lib/clock.ts';
import { AmqpTopics } from '../src/topics/amqp/amqp-topics.ts';
import { KafkaTopics } from '../src/topics/kafka/kafka-topics.ts';
import { partitionRefs, type Topics } from '../src/topics/topic.ts';
import { testKeys } from '../test/contract/amqp-ports.ts';
import { startOwnKafka } from '../test/services/own-kafka.ts';
import { startOwnRabbitmq } from '../test/services/own-rabbitmq.ts';
import { endTogether } from './children.ts';
import { draw, metadata, notifications } from './embedded-samples.ts';
import { machine, machineLine, percentile, rounded } from './process-figures.ts';
import { scratchFolder } from './scratch.ts';

/**
 * The three logs side by side: entries of 100 samples (86 kB) into 16 partitions by one appender, confirmed as durable as each can make
 * them on one machine, then read and settled by one reader each; and how long one entry takes from its append to its reader while nothing
 * else goes on. CPU is user + system of this process, as an agent would spend it; that of the brokers, which share the machine, is not in it.
 *
 *     node --import tsx bench/bus.ts [--json] [--entries 1000] [--bus embedded,rabbitmq,kafka]
 *
 * Kafka runs alone and so flushes each append to disk; RabbitMQ's quorum queues have one member, and do the same.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    entries: { type: 'string', default: '1000' },
    bus: { type: 'string', default: 'embedded,rabbitmq,kafka' },
  },
});
const entries = Number(values.entries);
const partitions = 16;
const samplesPerEntry = 100;
const underWay = 4;
const entriesPerAppend = 16;
const lonely = 50;
const boundBytes = 1024 ** 3;
const never = new AbortController().signal;
// Every partition reads under it.
setMaxListeners(0, never);

interface Opened {
  readonly topics: Topics;
  close(): Promise<unknown>;
}
interface Row {
  readonly bus: string;
  readonly appendedPerSecond: number;
  readonly appendCpuPer100k: number;
  readonly readPerSecond: number;
  readonly readCpuPer100k: number;
  readonly lonelyMs: { readonly p50: number; readonly p99: number };
}

endTogether();
const begun = machine();
const shared = { keys: testKeys, clock: systemClock, random: Math.random };
const kinds: Readonly<Record<string, () => Promise<Opened>>> = {
  embedded: () => openEmbedded({ dataDir: scratchFolder() }),
  rabbitmq: async () => {
    const broker = await startOwnRabbitmq();
    const topics = new AmqpTopics({ ...shared, urls: async () => [broker.url] });
    return { topics, close: () => topics.close().then(() => broker.dispose()) };
  },
  kafka: async () => {
    const broker = await startOwnKafka();
    const settings = { brokers: [broker.broker], clientId: 'bench', tls: null, sasl: null, requestTimeoutMs: 30_000 };
    const topics = new KafkaTopics({ ...shared, settings: async () => settings, replication: null, boundBytes });
    return { topics, close: () => topics.close().then(() => broker.dispose()) };
  },
};

const refs = partitionRefs('bench', 'sink', 1, partitions);
const bodies = Array.from({ length: 32 }, (_, i) => {
  const parts = notifications(i % partitions, draw(samplesPerEntry, 10_000), i, metadata, 10);
  return Buffer.from(itemLines(parts.flatMap(({ items }) => [...items])));
});
const bodyOf = (i: number) => bodies[i % bodies.length] as Buffer;

async function costOf(work: () => Promise<unknown>): Promise<{ readonly seconds: number; readonly cpu: number }> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  await work();
  const used = process.cpuUsage(cpu);
  return { seconds: (performance.now() - from) / 1000, cpu: (used.user + used.system) / 1e6 };
}

async function appendAll(topics: Topics): Promise<void> {
  const appender = await topics.openAppender();
  let next = 0;
  const appendOn = async () => {
    while (next < entries) {
      const from = next;
      next += entriesPerAppend;
      const batch = Array.from({ length: Math.min(entriesPerAppend, entries - from) }, (_, i) => ({
        partition: refs[(from + i) % partitions] as (typeof refs)[number],
        bytes: bodyOf(from + i),
      }));
      await appender.append(batch, never);
    }
  };
  await Promise.all(Array.from({ length: underWay }, appendOn));
  await appender.close();
}

/** The genesis entry comes too. */
async function readAll(topics: Topics): Promise<void> {
  await Promise.all(
    refs.map(async (ref, at) => {
      const attachment = await topics.attach(ref, null, 512);
      const mine = 1 + Math.floor(entries / partitions) + (at < entries % partitions ? 1 : 0);
      for (let seen = 0; seen < mine; ) {
        const received = await attachment.read(64, 1_000, never);
        seen += received.length;
        const last = received.at(-1);
        if (last !== undefined) await attachment.settle(last.offset);
      }
      await attachment.close();
    }),
  );
}

async function oneAtATime(topics: Topics): Promise<readonly number[]> {
  const [ref] = partitionRefs('bench', 'lonely', 1, 1);
  if (ref === undefined) return [];
  await topics.create([ref], () => Buffer.from('genesis'), boundBytes);
  const [appender, attachment] = [await topics.openAppender(), await topics.attach(ref, null, 10)];
  await attachment.read(1, 10_000, never);
  const took: number[] = [];
  for (let i = 0; i < lonely; i++) {
    const from = performance.now();
    const reading = attachment.read(1, 10_000, never);
    await Promise.all([appender.append([{ partition: ref, bytes: bodyOf(i) }], never), reading]);
    took.push(performance.now() - from);
    await attachment.settle((await reading)[0]?.offset ?? 0);
  }
  await attachment.close();
  await appender.close();
  return took;
}

async function measure(bus: string, open: () => Promise<Opened>): Promise<Row> {
  const opened = await open();
  try {
    await opened.topics.create(refs, () => Buffer.from('genesis'), boundBytes);
    const appended = await costOf(() => appendAll(opened.topics));
    const read = await costOf(() => readAll(opened.topics));
    const took = await oneAtATime(opened.topics);
    const samples = entries * samplesPerEntry;
    const row: Row = {
      bus,
      appendedPerSecond: Math.round(samples / appended.seconds),
      appendCpuPer100k: rounded((appended.cpu / samples) * 100_000, 2),
      readPerSecond: Math.round(samples / read.seconds),
      readCpuPer100k: rounded((read.cpu / samples) * 100_000, 2),
      lonelyMs: { p50: rounded(percentile(took, 0.5), 1), p99: rounded(percentile(took, 0.99), 1) },
    };
    process.stderr.write(`${JSON.stringify(row)}\n`);
    return row;
  } finally {
    await opened.close();
  }
}

const rows: Row[] = [];
for (const bus of values.bus.split(',')) {
  const open = kinds[bus];
  if (open === undefined) throw new Error(`there is no bus ${bus}; there are ${Object.keys(kinds).join(', ')}`);
  rows.push(await measure(bus, open));
}
process.stdout.write(`${entries} entries of ${samplesPerEntry} samples, ${partitions} partitions; ${machineLine(begun)}\n\n`);
process.stdout.write('  bus         appended/s   CPU s/100k       read/s   CPU s/100k   one entry p50, p99\n');
for (const { bus, appendedPerSecond, appendCpuPer100k, readPerSecond, readCpuPer100k, lonelyMs } of rows) {
  const cells = [appendedPerSecond, appendCpuPer100k, readPerSecond, readCpuPer100k].map((cell) => `${cell}`.padStart(13));
  process.stdout.write(`  ${bus.padEnd(9)}${cells.join('')}${`${lonelyMs.p50}, ${lonelyMs.p99} ms`.padStart(21)}\n`);
}
if (values.json) process.stdout.write(`${JSON.stringify({ name: 'bus', entries, samplesPerEntry, partitions, rows })}\n`);
