import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isObject, type Json } from '../../../src/model/json.ts';
import { parseJson, printJson } from '../../../src/model/json-text.ts';
import { createVhost, deleteVhost } from '../../services/rabbitmq.ts';
import { requirements, virtualEnvironment } from '../python/virtual-environment.ts';
import { RunningAgent, watchLines } from './run-agent.ts';
import { makeSite } from './site.ts';

// The real Ceilometer 27 and ours read the same notifications, from one RabbitMQ, with the same /etc/ceilometer but for broker and output.

const copies = 300;
const queues = ['info', 'error', 'sample'].map((priority) => `notifications.${priority}`);

interface Message {
  readonly queue: string;
  readonly body: Buffer;
}

/** A day at a small site, `copies` times, each message under an id of its own. */
async function traffic(): Promise<readonly Message[]> {
  const day = (await readFile('test/golden/notifications.jsonl', 'utf8')).trimEnd().split('\n');
  return Array.from({ length: copies }, (_, copy) =>
    day.map((line, i) => {
      const inner = { ...(JSON.parse(line) as Record<string, unknown>), message_id: `${copy}-${i}`, _unique_id: randomUUID() };
      const priority = String((inner as { priority?: unknown }).priority).toLowerCase();
      const body = JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(inner) });
      return { queue: `notifications.${priority}`, body: Buffer.from(body) };
    }),
  ).flat();
}

async function fill(url: string, messages: readonly Message[]): Promise<void> {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  for (const queue of queues) await channel.assertQueue(queue, { durable: false });
  const options = { contentType: 'application/json', contentEncoding: 'utf-8' };
  for (const [i, { queue, body }] of messages.entries()) {
    channel.sendToQueue(queue, body, options);
    if (i % 1000 === 999) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
  await connection.close();
}

/** Keys sorted, numbers by value, the id of a sample (a fresh uuid1 in Ceilometer) and the order of traits left out. */
function canonical(line: string): string {
  const item = parseJson(line) as Record<string, Json>;
  const { traits } = item;
  const told = Array.isArray(traits) ? { ...item, traits: (traits as Json[]).map(sorted).sort() } : { ...item, id: null };
  return sorted(told as Json);
}

function sorted(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(sorted).join(',')}]`;
  if (!isObject(value)) return typeof value === 'object' && value !== null ? printJson(Number(value)) : printJson(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${sorted(member)}`).join(',')}}`;
}

async function canonicalLines(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return lines.map(canonical).sort();
}

describe('beside Ceilometer 27.0.0', () => {
  let dir: string;
  let environment: string;
  const vhosts = ['theirs', 'ours'].map((name) => `${name}-${randomUUID()}`);

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'side-by-side-'));
    environment = await virtualEnvironment(requirements.ceilometer);
  }, 600_000);
  afterAll(async () => {
    for (const vhost of vhosts) await deleteVhost(vhost);
    await rm(dir, { recursive: true, force: true });
  });

  it('gives the same samples and events, for a twentieth of the CPU seconds', { timeout: 900_000 }, async () => {
    const messages = await traffic();
    const [theirVhost = '', ourVhost = ''] = vhosts;
    const site = async (name: string, vhost: string) => {
      const broker = await createVhost(vhost);
      await fill(broker, messages);
      const path = join(dir, name);
      const publish = (what: string) => `publishers: ["file://${join(path, what)}?json"]`;
      await makeSite(path, {
        broker,
        package: join(environment, 'lib/python3.11/site-packages/ceilometer'),
        pipeline: `sources: [{name: s, meters: ["*"], sinks: [k]}]\nsinks: [{name: k, ${publish('samples.json')}}]\n`,
        eventPipeline: `sources: [{name: e, events: ["*"], sinks: [k]}]\nsinks: [{name: k, ${publish('events.json')}}]\n`,
      });
      return { path, files: [join(path, 'samples.json'), join(path, 'events.json')] };
    };

    const theirs = await site('theirs', theirVhost);
    const ceilometer = RunningAgent.theirs(environment, theirs.path);
    const their = await watchLines(ceilometer, theirs.files, () => false, { quietMs: 5_000, mostMs: 600_000 });
    await ceilometer.stop();
    const ours = await site('ours', ourVhost);
    const ceilograph = RunningAgent.ours(ours.path, join(dir, 'data'));
    const enough = (counts: readonly number[]) => counts.every((count, i) => count >= (their.counts[i] ?? 0));
    const our = await watchLines(ceilograph, ours.files, enough, { quietMs: 20_000, mostMs: 300_000 });
    await ceilograph.stop();

    const ratio = their.cpuSeconds / our.cpuSeconds;
    console.log(
      `${messages.length} notifications, ${their.counts[0]} samples, ${their.counts[1]} events; CPU seconds from the start to the last line: ` +
        `Ceilometer ${their.cpuSeconds.toFixed(1)}, ours ${our.cpuSeconds.toFixed(2)}, ratio ${ratio.toFixed(1)}`,
    );
    expect(messages.length).toBeGreaterThanOrEqual(20_000);
    for (const [i, file] of theirs.files.entries()) {
      const [theirLines, ourLines] = [await canonicalLines(file), await canonicalLines(ours.files[i] ?? '')];
      const different = theirLines.findIndex((line, at) => line !== ourLines[at]);
      expect([different, ourLines[different]]).toEqual([-1, theirLines[different]]);
      expect(ourLines.length).toBe(theirLines.length);
    }
    expect(ratio).toBeGreaterThanOrEqual(20);
  });
});
