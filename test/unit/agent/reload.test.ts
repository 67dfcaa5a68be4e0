import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningAgent, startAgent } from '../../../src/agent/agent.ts';
import { watchConfiguration } from '../../../src/agent/watch-configuration.ts';
import { loadSetup } from '../../../src/config/load-setup.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { createItemCodec } from '../../../src/pipeline/item-codec.ts';

let folder: string;
let agent: RunningAgent;
const told: { readonly name: string; readonly facts: Readonly<Record<string, unknown>> }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-reload-'));
  await mkdir(join(folder, 'pipelines'));
  await writeFile(join(folder, 'in.jsonl'), '');
  await agentFile('');
  told.length = 0;
});

afterEach(async () => {
  await agent?.stop('the test is over');
  await rm(folder, { recursive: true });
});

const agentFile = (more: string) =>
  writeFile(
    join(folder, 'agent.yaml'),
    `cluster: c\ndata_dir: data\npipelines: pipelines\ntiming: { heartbeat_ms: 200 }\ninputs:\n  - file: { path: in.jsonl, follow: true }\nlog: { level: silent }\n${more}`,
  );
const sinkFile = (name: string, text: string) => writeFile(join(folder, 'pipelines', `${name}.yaml`), text);
const stateful = (name: string, more = '', partitions = 2) =>
  `sink: ${name}\nfrom: samples\nmatch: [cpu_util]\npartitions: ${partitions}\ntransform:\n  - delta: {}\n${more}publish:\n  - file: { path: ${name}.jsonl }\n`;
const direct = (name: string, target = name) =>
  `sink: ${name}\nfrom: samples\nmatch: [cpu_util]\npublish:\n  - file: { path: ${target}.jsonl }\n`;

async function start(): Promise<void> {
  const load = () => loadSetup({ config: join(folder, 'agent.yaml') }, {});
  const setup = await load();
  agent = await startAgent({
    ...{ config: setup.config, sinks: setup.sinks, converter: setup.converter, conversionHash: setup.conversionHash, load },
    codec: createItemCodec(() => ''),
    emit: (name, facts) => void told.push({ name, facts }),
    clock: systemClock,
    random: Math.random,
    version: 'test',
    exclusiveInputs: true,
  });
}

let fed = 0;
async function feed(volume: number): Promise<void> {
  fed += 1;
  const sample = {
    ...{ message_id: `s${fed}`, source: 'openstack', counter_name: 'cpu_util', counter_type: 'gauge', counter_unit: '%' },
    ...{ counter_volume: volume, user_id: null, project_id: null, resource_id: 'r', resource_metadata: {}, monotonic_time: null },
    timestamp: `2026-01-01T00:${String(fed % 60).padStart(2, '0')}:00`,
  };
  const notification = {
    ...{ message_id: `n${fed}`, publisher_id: 'p', event_type: 'telemetry.polling', priority: 'SAMPLE' },
    timestamp: sample.timestamp,
    payload: { samples: [sample] },
  };
  await appendFile(join(folder, 'in.jsonl'), `${JSON.stringify(notification)}\n`);
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it did not happen within 15 s; ${told.map(({ name }) => name).join(' ')}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Of the lines that are whole: who reads while somebody writes may see the beginning of the last one. */
const volumes = async (name: string) =>
  (await readFile(join(folder, `${name}.jsonl`), 'utf8').catch(() => ''))
    .split('\n')
    .slice(0, -1)
    .map((line) => Number((JSON.parse(line) as { volume: number }).volume));
const acquired = (sink: string) =>
  told.filter(({ name, facts }) => name === 'partition:acquired' && String(facts['partition']).includes(`.${sink}.`)).length;

describe('a reload', () => {
  it('restarts the sink that differs, whose state stays, and no other', async () => {
    await sinkFile('a', stateful('a'));
    await sinkFile('b', stateful('b'));
    await start();
    await feed(10);
    await feed(13);
    await until(async () => (await volumes('a')).length === 1 && (await volumes('b')).length === 1);
    const before = acquired('b');

    await sinkFile('a', stateful('a').replace('path: a', 'path: a2'));
    expect(await agent.reload()).toMatchObject({
      ok: true,
      added: [],
      changed: ['a'],
      removed: [],
      unchanged: 1,
      conversion: false,
    });
    await feed(20);
    await until(async () => (await volumes('a2')).length === 1 && (await volumes('b')).length === 2);

    expect(await volumes('a2')).toEqual([7]);
    expect(await volumes('b')).toEqual([3, 7]);
    expect(acquired('b')).toBe(before);
  });

  it('takes up a new sink, and lets go of one that is gone', async () => {
    await sinkFile('a', stateful('a'));
    await sinkFile('d', direct('d'));
    await start();
    await feed(1);
    await until(async () => (await volumes('d')).length === 1);

    await rm(join(folder, 'pipelines', 'd.yaml'));
    await sinkFile('b', stateful('b'));
    expect(await agent.reload()).toMatchObject({ ok: true, added: ['b'], removed: ['d'], unchanged: 1 });
    await feed(2);
    await feed(5);
    await until(async () => (await volumes('a')).length === 2 && (await volumes('b')).length === 1);

    expect(await volumes('b')).toEqual([3]);
    expect(await volumes('d')).toEqual([1]);
  });

  it('moves a direct sink to another target, and every message is in one of the two', async () => {
    await sinkFile('d', direct('d', 'one'));
    await start();
    const reloaded = (async () => {
      await until(async () => (await volumes('one')).length >= 5);
      await sinkFile('d', direct('d', 'two'));
      return await agent.reload();
    })();
    for (let n = 1; n <= 200; n++) await feed(n);

    expect(await reloaded).toMatchObject({ ok: true, changed: ['d'] });
    await until(async () => (await volumes('one')).length + (await volumes('two')).length === 200);
    expect([...(await volumes('one')), ...(await volumes('two'))]).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
  });

  it('keeps everything as it was where a file is wrong, and says where', async () => {
    await sinkFile('a', stateful('a'));
    await start();
    const before = acquired('a');

    await sinkFile('a', stateful('a').replace('delta', 'dleta'));
    const answer = await agent.reload();

    expect(answer).toMatchObject({ ok: false, problems: [expect.stringMatching(/a\.yaml:6:\d+ .*dleta/)] });
    await feed(1);
    await feed(4);
    await until(async () => (await volumes('a')).length === 1);
    expect(acquired('a')).toBe(Math.max(before, 2));
    await sinkFile('a', stateful('a'));
    expect(await agent.reload()).toMatchObject({ ok: true, unchanged: 1 });
  });

  it.each([
    ['another number of partitions', () => sinkFile('a', stateful('a', '', 3)), /has 2 partitions/],
    ['a target that cannot be opened', () => sinkFile('b', direct('b', 'in.jsonl/x')), /in\.jsonl/],
    ['what wants a restart', () => agentFile('topic_bound_bytes: 2097152\n'), /topicBoundBytes differs: that wants a restart/],
    ['a sink that would become direct', () => sinkFile('a', direct('a')), /wants a restart/],
  ])('changes nothing for %s', async (_what, change, problem) => {
    await sinkFile('a', stateful('a'));
    await start();

    await change();
    const answer = await agent.reload();

    expect(answer).toMatchObject({ ok: false, problems: [expect.stringMatching(problem)] });
    await feed(1);
    await feed(4);
    await until(async () => (await volumes('a')).length === 1);
  });
});

describe('watching the configuration', () => {
  it('tells of a change once the files are still, and once', async () => {
    const clock = new ManualClock(0);
    const over = new AbortController();
    let changes = 0;
    await sinkFile('a', 'one');
    const watching = watchConfiguration(
      () => [join(folder, 'pipelines'), join(folder, 'agent.yaml')],
      clock,
      over.signal,
      () => {
        changes += 1;
      },
    );
    const looks = async (n: number) => {
      for (let i = 0; i < n; i++) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        await clock.advance(1_000);
      }
      await new Promise((resolve) => setTimeout(resolve, 30));
    };

    await looks(2);
    expect(changes).toBe(0);
    await sinkFile('b', 'two');
    await looks(1);
    await sinkFile('b', 'three');
    await looks(1);
    expect(changes).toBe(0);
    await looks(4);

    expect(changes).toBe(1);
    over.abort();
    await watching;
  });
});
