import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cloud } from '../../src/cli/demo/traffic.ts';
import { AgentUnderTest } from '../faults/agent-under-test.ts';
import { until } from '../faults/until.ts';
import { committedOffset, createTopic, deleteTopic, messagesOf, produce } from '../services/kafka.ts';
import { kafkaBrokers } from '../services/with-services.ts';

const shared = fileURLToPath(new URL('../faults/pipelines', import.meta.url));

describe('an agent between two topics of Kafka', () => {
  let folder: string;
  let agent: AgentUnderTest | undefined;
  const raw = `raw-${randomUUID()}.sample`;
  const out = `out-${randomUUID()}`;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ceilograph-kafka-'));
    await createTopic(raw, 2);
    await createTopic(out, 4);
    agent = undefined;
  });
  afterEach(async () => {
    await agent?.close();
    await deleteTopic(raw);
    await deleteTopic(out);
    await rm(folder, { recursive: true, force: true });
  });

  it('publishes what came in, each once, keyed by resource, and leaves nothing uncommitted', async () => {
    const brokers = JSON.stringify(await kafkaBrokers());
    const pipelines = join(folder, 'pipelines');
    await mkdir(pipelines);
    await cp(join(shared, 'all-meters.yaml'), join(pipelines, 'all-meters.yaml'));
    const sink = `sink: to-kafka\nfrom: samples\nmatch: ["*"]\npartition_by: [resource_id]\npublish: [{ kafka: { brokers: ${brokers}, topic: ${out} } }]\n`;
    await writeFile(join(pipelines, 'to-kafka.yaml'), sink);
    const input = `kafka: { brokers: ${brokers}, topics: [${raw}], group: ${raw} }`;
    agent = await AgentUnderTest.prepare(folder, input, pipelines);
    const { outputs } = agent;
    const cloud = new Cloud(8, Date.now() - 3_600_000);
    const polls = [...cloud.nextRound(), ...cloud.nextRound(), ...cloud.nextRound()].filter(({ body }) =>
      body.includes('telemetry.polling'),
    );

    agent.start();
    await produce(
      raw,
      polls.map(({ body }) => body),
    );
    const lines = async () =>
      (await readFile(join(outputs, 'all-meters.jsonl'), 'utf8').catch(() => '')).trim().split('\n').filter(Boolean);
    await until(async () => (await lines()).length === 4 * polls.length, 60_000, 'not all samples came');
    await until(async () => (await committedOffset(raw, raw)) === polls.length, 60_000, 'not all offsets were committed');
    await agent.stop();

    const ids = (await lines()).map((line) => (JSON.parse(line) as { id: string; resource_id: string }).resource_id);
    const messages = await messagesOf(out);
    expect(messages).toHaveLength(4 * polls.length);
    expect(new Set(messages.map(({ headers }) => headers['id'])).size).toBe(4 * polls.length);
    expect(messages.map(({ key }) => key).sort()).toEqual([...ids].sort());
  }, 120_000);
});
