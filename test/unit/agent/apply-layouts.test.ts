import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAgent } from '../../../src/agent/agent.ts';
import { applyLayouts } from '../../../src/agent/layouts/apply-layouts.ts';
import { drainTopics } from '../../../src/agent/layouts/drain-topics.ts';
import { planLayouts } from '../../../src/agent/layouts/layout-plan.ts';
import { openPlaces, type Places } from '../../../src/agent/places.ts';
import { loadSetup } from '../../../src/config/load-setup.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createItemCodec } from '../../../src/pipeline/item-codec.ts';
import { until } from '../../faults/until.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-layouts-'));
  await mkdir(join(folder, 'pipelines'));
});
afterEach(() => rm(folder, { recursive: true }));

const resources = Array.from({ length: 12 }, (_, i) => `resource-${i}`);

function polled(round: number): string {
  const samples = resources.map((resource, i) => ({
    message_id: `${resource}.${round}`,
    source: 'openstack',
    counter_name: 'cpu',
    counter_type: 'cumulative',
    counter_unit: 'ns',
    counter_volume: round * (i + 1),
    user_id: null,
    project_id: null,
    resource_id: resource,
    timestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, round)).toISOString(),
    resource_metadata: {},
    monotonic_time: null,
  }));
  const timestamp = '2026-01-01T00:00:05';
  return `${JSON.stringify({ message_id: `n${round}`, publisher_id: 'p', event_type: 'telemetry.polling', priority: 'SAMPLE', timestamp, payload: { samples } })}\n`;
}

/** The sink's file says so many partitions; the inputs are these. */
async function setup(partitions: number, inputs: readonly string[], partitionBy = 'resource_id', more = '') {
  const sink = `sink: s\nfrom: samples\nmatch: ["*"]\npartition_by: [${partitionBy}]\npartitions: ${partitions}\n${more}transform:\n  - delta: {}\npublish:\n  - file: { path: out.jsonl }\n`;
  await writeFile(join(folder, 'pipelines', 'sink.yaml'), sink);
  const files = inputs.map((path) => `  - file: { path: ${path} }`).join('\n');
  await writeFile(
    join(folder, 'agent.yaml'),
    `cluster: c\ndata_dir: data\npipelines: pipelines\ninputs:${inputs.length === 0 ? ' []' : `\n${files}`}\ntiming: { lease_ttl_ms: 1500, renew_ms: 300, heartbeat_ms: 100 }\nlog: { level: silent }\n`,
  );
  const { config, sinks, converter } = await loadSetup({ config: join(folder, 'agent.yaml') }, {});
  const common = { config, sinks, converter, codec: createItemCodec(() => ''), emit: () => undefined, clock: systemClock };
  return { ...common, random: Math.random, version: 'test' };
}

async function run(options: Awaited<ReturnType<typeof setup>>, outputs: number): Promise<void> {
  const agent = await startAgent({ ...options, exclusiveInputs: true });
  try {
    await Promise.race([agent.failed, until(async () => (await written()).length >= outputs, 15_000, 'outputs are missing')]);
  } finally {
    await agent.stop('enough');
  }
}

async function written(): Promise<{ readonly id: string; readonly resource: string; readonly volume: number }[]> {
  const text = await readFile(join(folder, 'out.jsonl'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { id: string; resource_id: string; volume: number })
    .map(({ id, resource_id, volume }) => ({ id, resource: resource_id, volume }));
}

async function withPlaces<T>({ config }: Awaited<ReturnType<typeof setup>>, act: (places: Places) => Promise<T>): Promise<T> {
  const places = await openPlaces({ config, clock: systemClock, random: Math.random, emit: () => undefined });
  try {
    return await act(places);
  } finally {
    await places.close();
  }
}

describe('another number of partitions', () => {
  it('keeps every state, and may be broken off at every step', { timeout: 60_000 }, async () => {
    await writeFile(join(folder, 'one.jsonl'), polled(1) + polled(2));
    await writeFile(join(folder, 'two.jsonl'), polled(3));
    await run(await setup(3, ['one.jsonl']), 12);

    const changed = await setup(5, ['two.jsonl']);
    await expect(run(changed, 1)).rejects.toMatchObject({
      code: 'layout_differs',
      message: expect.stringContaining('topics apply'),
    });
    const steps: string[] = [];
    for (let attempt = 0; ; attempt++) {
      let passed = 0;
      const step = async (at: string) => {
        if (passed++ < attempt) return;
        steps.push(at);
        // From here on the layout stands, and another attempt begins behind it.
        if (at === 'advanced') attempt = -1;
        throw new Error('killed here');
      };
      const ended = await withPlaces(changed, (places) =>
        applyLayouts({ ...changed, places, step }).then(
          () => true,
          (error: unknown) => {
            if (!(error instanceof Error && error.message === 'killed here')) throw error;
            return false;
          },
        ),
      );
      if (ended) break;
    }

    expect(new Set(steps)).toEqual(new Set(['held', 'read', 'written', 'created', 'retired', 'advanced', 'removed']));
    const plan = await withPlaces(changed, (places) => planLayouts(places, changed.sinks, changed.config));
    expect(plan.sinks).toMatchObject([{ action: 'none', stored: { generation: 2, partitions: 5 }, missing: [], left: [] }]);
    await run(changed, 24);
    const volumes = (await written()).map(({ resource, volume }) => `${resource} ${volume}`).sort();
    expect(volumes).toEqual(resources.flatMap((resource, i) => [`${resource} ${i + 1}`, `${resource} ${i + 1}`]).sort());
  });

  it('is refused while an agent lives, and says which', async () => {
    await writeFile(join(folder, 'one.jsonl'), polled(1));
    const agent = await startAgent({ ...(await setup(3, ['one.jsonl'])), exclusiveInputs: true });
    const changed = await setup(5, []);

    await until(
      () => withPlaces(changed, async (places) => (await places.group.members()).length > 0),
      10_000,
      'the agent is no member',
    );
    const refused = expect.stringContaining(agent.identity.agent);
    await withPlaces(changed, (places) =>
      expect(applyLayouts({ ...changed, places })).rejects.toMatchObject({ code: 'agents_alive', message: refused }),
    );
    await expect(startAgent({ ...changed, exclusiveInputs: true })).rejects.toMatchObject({ message: refused });
    await agent.stop('the test is over');
  });

  it('is refused while something waits, until that is drained, by the old number of partitions', {
    timeout: 60_000,
  }, async () => {
    await writeFile(join(folder, 'one.jsonl'), polled(1) + polled(2) + polled(3));
    const before = await setup(3, ['one.jsonl']);
    await run(before, 24);
    await withPlaces(before, async ({ topics }) => {
      const appender = await topics.openAppender();
      const ref = { cluster: 'c', sink: 's', generation: 1, partition: 1 };
      const entry = { v: 1, k: 'data', l: 'late', s: 1, at: Date.now(), a: 0, n: [] };
      await appender.append([{ partition: ref, bytes: Buffer.from(JSON.stringify(entry)) }], new AbortController().signal);
      await appender.close();
    });
    const changed = await setup(2, []);

    const apply = () => withPlaces(changed, (places) => applyLayouts({ ...changed, places }));
    await expect(apply()).rejects.toMatchObject({ code: 'topics_not_drained' });
    const plan = await withPlaces(changed, (places) => planLayouts(places, changed.sinks, changed.config));
    expect(plan.sinks).toMatchObject([{ action: 'move', waiting: 1 }]);
    await drainTopics({ ...changed, withinMs: 20_000, onProgress: () => undefined }, plan);

    expect(await apply()).toMatchObject([{ moved: { from: { partitions: 3 }, to: { generation: 2, partitions: 2 }, keys: 12 } }]);
  });

  it('does not wait for an entry that nobody will send', async () => {
    await writeFile(join(folder, 'one.jsonl'), polled(1) + polled(2));
    const before = await setup(3, ['one.jsonl']);
    await run(before, 12);
    await withPlaces(before, async ({ topics }) => {
      const appender = await topics.openAppender();
      const ref = { cluster: 'c', sink: 's', generation: 1, partition: 1 };
      const entry = { v: 1, k: 'data', l: 'dead', s: 7, at: Date.now(), a: 0, n: [] };
      await appender.append([{ partition: ref, bytes: Buffer.from(JSON.stringify(entry)) }], new AbortController().signal);
      await appender.close();
    });
    const changed = await setup(2, []);
    const told: string[] = [];
    const emit = (name: string) => void told.push(name);
    const begun = Date.now();
    // Its entries wait for half a minute by the wall clock; only that one hurries.
    const clock = { ...systemClock, now: () => begun + 20 * (Date.now() - begun) };

    const plan = await withPlaces(changed, (places) => planLayouts(places, changed.sinks, changed.config));
    await drainTopics({ ...changed, clock, emit, withinMs: 15_000, onProgress: () => undefined }, plan);

    expect(told).toContain('partition:passed-over');
    expect(await withPlaces(changed, (places) => applyLayouts({ ...changed, places }))).toMatchObject([{ moved: { keys: 12 } }]);
  });

  it('does not come with another partition_by', async () => {
    await writeFile(join(folder, 'one.jsonl'), polled(1) + polled(2));
    await run(await setup(3, ['one.jsonl']), 12);
    const changed = await setup(5, [], 'name');

    await withPlaces(changed, (places) =>
      expect(applyLayouts({ ...changed, places })).rejects.toMatchObject({
        code: 'layout_differs',
        message: expect.stringContaining('Set partition_by: [resource_id]'),
      }),
    );
  });

  it('mends topics that somebody removed', async () => {
    await writeFile(join(folder, 'one.jsonl'), polled(1) + polled(2));
    const same = await setup(3, ['one.jsonl']);
    await run(same, 12);
    await withPlaces(same, ({ topics }) => topics.retire({ cluster: 'c', sink: 's', generation: 1, partition: 1 }));

    const plan = await withPlaces(same, (places) => planLayouts(places, same.sinks, same.config));
    const applied = await withPlaces(same, (places) => applyLayouts({ ...same, places }));

    expect(plan.sinks).toMatchObject([{ action: 'mend', missing: ['cg.c.s.g1.p1'] }]);
    expect(applied).toMatchObject([{ action: 'mend', moved: null }]);
    const after = await withPlaces(same, (places) => planLayouts(places, same.sinks, same.config));
    expect(after.sinks).toMatchObject([{ action: 'none', missing: [] }]);
  });
});
