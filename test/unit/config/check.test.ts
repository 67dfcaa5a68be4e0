import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkAll } from '../../../src/config/check.ts';
import { effectiveSettings } from '../../../src/config/effective.ts';
import { loadAgentWithOrigins } from '../../../src/config/load-agent.ts';
import { loadPipelines } from '../../../src/config/load-pipelines.ts';
import { probeAll } from '../../../src/config/probe.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { type Registries, shipped } from '../../../src/config/registries.ts';
import type { InputContext } from '../../../src/inputs/input.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { Fault } from '../../../src/model/faults.ts';
import { folderWith } from './fixtures.ts';

const sink = (name: string) => `sink: ${name}\nfrom: samples\nmatch: ["*"]\npublish: [stdout]\n`;

describe('checking', () => {
  it('tells what is wrong with agent, sinks and definitions in one go', async () => {
    const dir = await folderWith({
      'agent.yaml': 'clutser: x\npipelines: sinks\ndefinitions: { meters: [meters.yaml] }\n',
      'sinks/a.yaml': `${sink('a')}nonsense: 1\n`,
      'sinks/b.yaml': sink('b'),
    });

    const { problems } = await checkAll([], `${dir}/agent.yaml`, {});

    expect(problems.map((each) => formatProblem(each).replaceAll(`${dir}/`, ''))).toEqual([
      'agent.yaml:1:1 clutser: unknown key "clutser"; did you mean "cluster"?',
      'sinks/a.yaml:5:1 nonsense: unknown key "nonsense"; there is: direct, from, match, max_keys, order, partition_by, partitions, publish, record, sink, sources, transform',
    ]);
  });

  it('tells what is wrong with the hosts that are expected to report', async () => {
    const dir = await folderWith({
      'agent.yaml': 'pipelines: sinks\nliveness: { inventory: hosts.yaml }\n',
      'sinks/b.yaml': sink('b'),
      'hosts.yaml': 'hosts: { a: { groups: [web] } }\n',
    });

    const { problems } = await checkAll([], `${dir}/agent.yaml`, {});

    expect(problems.map((each) => formatProblem(each).replaceAll(`${dir}/`, ''))).toEqual([
      'hosts.yaml:1:23 hosts.a.groups: there is no group "web"',
    ]);
  });

  it('places faults of definitions', async () => {
    const dir = await folderWith({ 'm.yaml': 'metric:\n  - { name: a, event_type: x, type: gauge, unit: B }\n' });

    const { problems } = await checkAll([`${dir}/m.yaml`], null, {});

    expect(problems.map((each) => formatProblem(each).replaceAll(`${dir}/`, ''))).toEqual([
      expect.stringMatching(/^m\.yaml:2:5 metric\[0\] \(a\): .*required/),
    ]);
  });

  it('sees by the content what a path is', async () => {
    const dir = await folderWith({
      'a.yaml': sink('a'),
      'more/b.yaml': sink('b'),
      'theirs/pipeline.yaml':
        'sources: [{ name: s, meters: ["*"], sinks: [k] }]\nsinks: [{ name: k, publishers: ["file:///x?json"] }]\n',
      'events.yaml': '- { event_type: x, traits: {} }\n',
    });

    const checked = await checkAll(
      ['a.yaml', 'more', 'theirs', 'events.yaml'].map((name) => `${dir}/${name}`),
      null,
      {},
    );
    const single = await checkAll([`${dir}/theirs/pipeline.yaml`], null, {});

    expect(checked.problems).toEqual([]);
    expect(checked.sinks.map((each) => each.sink)).toEqual(['a', 'b', 'k']);
    expect(single.problems[0]?.hint).toContain('ceilograph import ceilometer');
  });
});

it('the effective settings show where each comes from, and no secret', async () => {
  const dir = await folderWith({
    'agent.yaml':
      'telemetry_secret_file: s\ninputs:\n  - amqp: { url: "amqp://u:open@h" }\n  - http: { port: 1, token_file: t }\n',
    s: 'hidden',
  });

  const shown = effectiveSettings(await loadAgentWithOrigins(`${dir}/agent.yaml`, { CEILOGRAPH_CLUSTER: 'x' }));

  expect(JSON.stringify(shown)).not.toMatch(/hidden|\bopen\b/);
  expect(shown).toContainEqual({ path: 'cluster', value: 'x', origin: 'CEILOGRAPH_CLUSTER' });
  expect(shown).toContainEqual({ path: 'telemetry_secret', value: '***', origin: `${dir}/agent.yaml:1` });
  expect(shown.every((each) => each.value !== undefined)).toBe(true);
  expect(shown.find((each) => each.path === 'inputs.0.amqp')?.value).toMatchObject({ url: 'amqp://u:***@h' });
});

describe('trying endpoints', () => {
  const closed: string[] = [];
  const registries: Registries = {
    ...shipped,
    publishers: {
      stdout: {
        summary: '',
        batch: { maxItems: 1000, maxBytes: 1_000_000 },
        schema: z.strictObject({ up: z.boolean() }),
        load: async () => ({
          name: 'stdout',
          summary: '',
          open: async ({ up }: { up: boolean }) => ({
            publish: async () => undefined,
            probe: async () => {
              if (!up) throw new Fault('retryable', 'econnrefused', 'connection refused');
            },
            close: async () => void closed.push('publisher'),
          }),
        }),
      },
    },
    inputs: {
      fake: {
        summary: '',
        schema: z.strictObject({ says: z.enum(['connected', 'disconnected', 'nothing']) }),
        load: async () => ({
          name: 'fake',
          summary: '',
          open: async ({ says }: { says: string }, context: InputContext) => ({
            run: async () => {
              if (says === 'connected') context.report({ kind: 'connected', detail: '' });
              if (says === 'disconnected') context.report({ kind: 'disconnected', detail: 'refused', retryInMs: 1 });
              await new Promise<void>((resolve) => context.soft.addEventListener('abort', () => resolve(), { once: true }));
            },
            prove: async () => undefined,
            sendCanary: async () => false,
            close: async () => void closed.push('input'),
          }),
        }),
      },
    },
  };

  it('says of each whether it answers, and closes all of them', async () => {
    const dir = await folderWith({
      'agent.yaml':
        'inputs:\n  - fake: { name: a, says: connected }\n  - fake: { name: b, says: disconnected }\n  - fake: { name: c, says: nothing }\n',
      'p/s.yaml': `${sink('s').replace('[stdout]', '')}\n  - stdout: { up: true }\n  - stdout: { name: other, up: false }\n`,
    });
    const { config } = await loadAgentWithOrigins(`${dir}/agent.yaml`, {}, {}, registries);
    const sinks = await loadPipelines(`${dir}/p`, { env: {}, registries });

    const probes = await probeAll(config, sinks, { registries, clock: new ManualClock(0), random: () => 0, timeoutMs: 50 });

    expect(probes).toEqual([
      { what: 'input a', fault: null },
      { what: 'input b', fault: 'refused' },
      { what: 'input c', fault: 'no answer within 0.05 s' },
      { what: 'sink s: stdout', fault: null },
      { what: 'sink s: other', fault: 'connection refused' },
    ]);
    expect(closed.sort()).toEqual(['input', 'input', 'input', 'publisher', 'publisher']);
  });

  it('creates nothing where a file would be written', async () => {
    const dir = await folderWith({
      'agent.yaml': 'inputs: []\n',
      'p/s.yaml': `${sink('s').replace('[stdout]', '')}\n  - file: { path: out/s.jsonl }\n`,
    });
    const { config } = await loadAgentWithOrigins(`${dir}/agent.yaml`, {});
    const sinks = await loadPipelines(`${dir}/p`, { env: {} });

    const probes = await probeAll(config, sinks, {
      registries: shipped,
      clock: new ManualClock(0),
      random: () => 0,
      timeoutMs: 1_000,
    });

    expect(probes).toEqual([{ what: 'sink s: file', fault: null }]);
    expect((await readdir(dir)).sort()).toEqual(['agent.yaml', 'p']);
  });
});
