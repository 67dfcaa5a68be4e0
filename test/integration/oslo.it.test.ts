import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentUnderTest } from '../faults/agent-under-test.ts';
import { randomKills } from '../faults/kills.ts';
import { Site } from '../faults/site.ts';
import { until } from '../faults/until.ts';
import { OsloNotifier } from '../peers/oslo/oslo-notifier.ts';
import { ctxt } from '../peers/oslo/payloads.ts';
import { services } from '../peers/oslo/services-say.ts';
import { requirements, virtualEnvironment } from '../peers/python/virtual-environment.ts';

/** What every event tells of who asked. */
const defaultTraits = { ...ctxt, tenant_id: ctxt.project_id };
const installMs = 300_000;
const wholeWayMs = 60_000;

interface SampleLine {
  readonly name: string;
  readonly volume: number;
  readonly unit: string;
  readonly resource_id: string;
}

interface EventLine {
  readonly event_type: string;
  readonly traits: readonly (readonly [name: string, type: number, value: unknown])[];
}

describe('oslo.messaging', () => {
  let folder: string;
  let site: Site;
  let notifier: OsloNotifier;
  let agent: AgentUnderTest;

  beforeEach(async () => {
    await virtualEnvironment(requirements.oslo);
    folder = await mkdtemp(join(tmpdir(), 'ceilograph-oslo-'));
    site = await Site.open([...new Set(services.map(({ notification }) => notification.exchange))], ['info', 'error', 'sample']);
    notifier = await OsloNotifier.start(site.topic);
    agent = await AgentUnderTest.prepare(folder, await site.input());
  }, installMs);

  afterEach(async () => {
    await agent.close();
    await notifier.close();
    await site.close();
    await rm(folder, { recursive: true, force: true });
  });

  const read = async <T>(file: string): Promise<T[]> => {
    const text = await readFile(join(agent.outputs, file), 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  };

  it('notifies, with and without an envelope, and every service becomes its samples and events', async () => {
    const samples = services.flatMap((said) => said.samples);
    const events = services.flatMap(({ notification, traits }) =>
      traits === null
        ? []
        : { type: notification.event_type, traits: { ...defaultTraits, service: notification.publisher_id, ...traits } },
    );

    agent.start();
    await notifier.send(
      services.map(({ notification }) => ({ ...notification, exchange: site.exchange(notification.exchange) })),
    );
    const all = async () =>
      (await read('all-meters.jsonl')).length >= samples.length && (await read('all-events.jsonl')).length >= events.length;
    await until(all, wholeWayMs, 'not all samples and events came');
    await agent.stop();

    const seen = (await read<SampleLine>('all-meters.jsonl')).map(
      ({ name, volume, unit, resource_id }) => `${name} ${volume} ${unit} ${resource_id}`,
    );
    expect(seen.sort()).toEqual(samples.sort());
    const seenEvents = (await read<EventLine>('all-events.jsonl')).map(({ event_type, traits }) => ({
      type: event_type,
      traits: Object.fromEntries(traits.map(([name, , value]) => [name, value])),
    }));
    expect(byType(seenEvents)).toEqual(byType(events));
    expect(await site.leftInRawQueues()).toEqual([]);
  }, 120_000);
});

describe('an agent that is killed while oslo.messaging notifies', () => {
  it(
    'loses nothing, doubles nothing and leaves nothing in the raw queue',
    async () => {
      await virtualEnvironment(requirements.oslo);

      const { files, ...ordeal } = await randomKills({ seed: 3, kills: 2, notifications: 600 });

      expect(ordeal).toMatchObject({ lost: [], invented: [], wrong: [], doubled: 0, left: 0, letters: 0 });
      expect(Object.keys(files).sort()).toEqual([
        'all-events',
        'all-meters',
        'cpu-util',
        'first-of-project',
        'instance-lifecycle',
        'project-memory',
      ]);
    },
    installMs,
  );
});

function byType<T extends { readonly type: string }>(events: readonly T[]): T[] {
  return [...events].sort((a, b) => (a.type < b.type ? -1 : 1));
}
