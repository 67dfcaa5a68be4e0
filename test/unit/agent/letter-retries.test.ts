import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningAgent, startAgent } from '../../../src/agent/agent.ts';
import { loadSetup } from '../../../src/config/load-setup.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createItemCodec } from '../../../src/pipeline/item-codec.ts';

const program = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
const patience = { timeout: 90_000 };

let folder: string;
let agent: RunningAgent | null = null;
let target: Server;
let port: number;
/** What the target answers. */
let answer: number;
const taken: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-retries-'));
  await mkdir(join(folder, 'pipelines'));
  answer = 422;
  taken.length = 0;
  target = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      if (answer < 300) taken.push(...body.split('\n').filter((line) => line !== ''));
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  port = (target.address() as AddressInfo).port;
});

afterEach(async () => {
  await agent?.stop('the test is over');
  agent = null;
  await new Promise((resolve) => target.close(resolve));
  await rm(folder, { recursive: true });
});

const meters = (volume: string) =>
  `metric:\n  - { name: m, event_type: thing.done, type: gauge, unit: u, volume: ${volume}, resource_id: $.payload.id }\n`;

async function start(transform = ''): Promise<void> {
  const sink = (name: string, from: string, more: string) =>
    `sink: ${name}\nfrom: ${from}\nmatch: ["*"]\npartitions: 2\n${more}publish:\n  - http: { url: "http://127.0.0.1:${port}/", batch: { max_items: 1 } }\n  - file: { path: ${name}.jsonl }\n`;
  await writeFile(join(folder, 'pipelines', 's.yaml'), sink('s', 'samples', transform));
  await writeFile(join(folder, 'pipelines', 'e.yaml'), sink('e', 'events', '').replace(/ {2}- http.*\n/, ''));
  await writeFile(
    join(folder, 'agent.yaml'),
    'cluster: c\ndata_dir: data\npipelines: pipelines\ndefinitions: { meters: [meters.yaml] }\ninputs:\n  - file: { path: in.jsonl }\nlog: { level: silent }\n',
  );
  const setup = await loadSetup({ config: join(folder, 'agent.yaml') }, {});
  agent = await startAgent({
    config: setup.config,
    sinks: setup.sinks,
    converter: setup.converter,
    codec: createItemCodec(() => ''),
    emit: () => undefined,
    clock: systemClock,
    random: Math.random,
    version: 'test',
    exclusiveInputs: true,
  });
}

/** A process of its own, as an operator's is: two writers of one file in one process would wait for each other. */
async function deadletter(...args: readonly string[]): Promise<Record<string, unknown>> {
  const [name = '', ...rest] = args;
  const command = ['--import', 'tsx', program, 'deadletter', name, '-c', join(folder, 'agent.yaml'), '--json', ...rest];
  // 1: it did what it was asked to, and some of the letters failed again.
  const { stdout } = await promisify(execFile)(process.execPath, command).catch((error: { code: number; stdout: string }) => {
    if (error.code !== 1) throw error;
    return error;
  });
  return JSON.parse(stdout);
}

const feed = (id: string, volume: unknown) =>
  writeFile(
    join(folder, 'in.jsonl'),
    `${JSON.stringify({ message_id: id, publisher_id: 'p', event_type: 'thing.done', priority: 'INFO', timestamp: '2026-01-01 00:00:00', payload: { id: 'r', volume, other: 5 } })}\n`,
  );

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not happen within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const kept = async () => ((await deadletter('list'))['stats'] as { letters: number }).letters;
const lines = async (name: string) =>
  (await readFile(join(folder, name), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');

describe.each([
  ['direct', ''],
  ['with a topic', 'transform:\n  - delta: {}\n'],
])('retrying dead letters of a sink that runs %s', (_how, transform) => {
  it('gives what one publisher refused to that one again, and keeps it while it is refused', patience, async () => {
    await writeFile(join(folder, 'meters.yaml'), meters('$.payload.volume'));
    await feed('n1', 1);
    const many = await readFile(join(folder, 'in.jsonl'), 'utf8');
    await writeFile(join(folder, 'in.jsonl'), many + many.replaceAll('n1', 'n2').replace('"volume":1', '"volume":5'));
    await start(transform);
    const outputs = transform === '' ? 2 : 1;
    await until(async () => (await kept()) === outputs);

    expect(await deadletter('retry', '--all', '--dry-run')).toMatchObject({ wouldRetry: outputs });
    expect(await deadletter('retry', '--all', '--wait', '10')).toMatchObject({ through: 0, failedAgain: outputs, waiting: 0 });
    answer = 204;
    expect(await deadletter('retry', '--reason', 'http_status', '--wait', '10')).toMatchObject({ through: outputs, waiting: 0 });

    expect(taken).toHaveLength(outputs);
    expect(await lines('s.jsonl')).toHaveLength(outputs);
    expect(await kept()).toBe(0);
  });
});

describe('retrying dead letters', () => {
  it('makes the samples that a definition had failed at, and not the event once more', patience, async () => {
    answer = 204;
    await writeFile(join(folder, 'meters.yaml'), meters('$.payload.volume').replace('$.payload.id', '$.payload.none'));
    await feed('n1', 1);
    await start();
    await until(async () => (await kept()) === 1 && (await lines('e.jsonl')).length === 1);
    await agent?.stop('to mend the definition');
    await writeFile(join(folder, 'meters.yaml'), meters('$.payload.volume'));

    // Asked for while no agent runs, done by the next one.
    expect(await deadletter('retry', '--stage', 'samples')).toMatchObject({ requested: 1, waiting: 1 });
    await start();
    await until(async () => (await lines('s.jsonl')).length === 1);

    await until(async () => (await kept()) === 0);
    expect(await lines('e.jsonl')).toHaveLength(1);
    expect(taken).toHaveLength(1);
  });

  it('drops what is chosen, and nothing without a choice', patience, async () => {
    await writeFile(join(folder, 'meters.yaml'), meters('$.payload.volume'));
    await feed('n1', 1);
    await start();
    await until(async () => (await kept()) === 1);

    await expect(deadletter('drop')).rejects.toMatchObject({ code: 2 });
    expect(await deadletter('drop', '--sink', 'e')).toMatchObject({ dropped: 0 });
    expect(await deadletter('drop', '--sink', 's', '--since', '1h')).toMatchObject({ dropped: 1 });

    expect(await kept()).toBe(0);
  });
});
