import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cloud } from '../../src/cli/demo/traffic.ts';
import { AgentUnderTest } from '../faults/agent-under-test.ts';
import { until } from '../faults/until.ts';
import { createVhost, deleteVhost, queuesOf } from '../services/rabbitmq.ts';

const shared = fileURLToPath(new URL('../faults/pipelines', import.meta.url));
const wholeWayMs = 60_000;

describe('a sink that keeps no state, with coordination off', () => {
  let folder: string;
  let vhost: string;
  let url: string;
  let agent: AgentUnderTest | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ceilograph-direct-'));
    vhost = `direct-${randomUUID()}`;
    url = await createVhost(vhost);
    agent = undefined;
  });
  afterEach(async () => {
    await agent?.close();
    await deleteVhost(vhost);
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs these sinks on a virtual host of their own until as many samples are out as were said. */
  const run = async (sinks: readonly string[]): Promise<AgentUnderTest> => {
    const pipelines = join(folder, 'pipelines');
    await mkdir(pipelines);
    for (const sink of sinks) await cp(join(shared, `${sink}.yaml`), join(pipelines, `${sink}.yaml`));
    const input = `amqp: { url: "${url}", exchanges: [nova], priorities: [info, sample], durable: true }`;
    agent = await AgentUnderTest.prepare(folder, input, pipelines);
    agent.start();
    const { outputs } = agent;
    await until(async () => (await queuesOf(vhost)).length === 2, wholeWayMs, 'the agent declared no queues');
    const cloud = new Cloud(8, Date.now() - 3_600_000);
    const polls = [...cloud.nextRound(), ...cloud.nextRound(), ...cloud.nextRound()].filter(({ body }) =>
      body.includes('telemetry.polling'),
    );
    await publish(polls.map(({ body }) => body));
    const written = async () =>
      (await readFile(join(outputs, 'all-meters.jsonl'), 'utf8').catch(() => '')).split('\n').length - 1;
    await until(async () => (await written()) === 4 * polls.length, wholeWayMs, 'not all samples came');
    return agent;
  };

  const publish = async (bodies: readonly string[]) => {
    const connection = await connect(url);
    const channel = await connection.createConfirmChannel();
    for (const body of bodies) channel.publish('nova', 'notifications.sample', Buffer.from(body), { mandatory: true });
    await channel.waitForConfirms();
    await connection.close();
  };

  it('has no topic, no queue on the broker and no file of its own', async () => {
    const ran = await run(['all-meters']);

    expect((await ran.status())?.partitions).toEqual([]);
    expect([...(await queuesOf(vhost))].sort()).toEqual(['notifications.info', 'notifications.sample']);
    await ran.stop();
    expect(await filesBelow(join(folder, 'data'))).toEqual([
      'dead-letters/data.mdb',
      'dead-letters/lock.mdb',
      'held/data.mdb',
      'held/lock.mdb',
      'state/data.mdb',
      'state/lock.mdb',
      'topics/data.mdb',
      'topics/lock.mdb',
    ]);
  }, 120_000);

  it('writes nothing into topics and state, where its neighbour with state stands', async () => {
    const ran = await run(['all-meters', 'cpu-util']);

    const sinks = new Set((await ran.status())?.partitions.map(({ sink }) => sink));
    await ran.stop();
    expect([...sinks]).toEqual(['cpu-util']);
    for (const part of ['topics', 'state']) {
      const bytes = await readFile(join(folder, 'data', part, 'data.mdb'));
      // What it counts stands in the agent's member record; what is named like a partition would be a topic or a state.
      expect([part, bytes.includes('.cpu-util.'), bytes.includes('.all-meters.')]).toEqual([part, true, false]);
    }
  }, 120_000);
});

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
