import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ClusterView } from '../../src/agent/cluster-view.ts';
import { configurationOf } from '../../src/pipeline/able-members.ts';
import { projectDir } from '../run/program.ts';

const main = join(projectDir, 'dist/cli/main.js');
let folder: string;
let parent: ChildProcess;

const sink = (where: string) =>
  writeFile(
    join(folder, 'pipelines', 'kept.yaml'),
    `sink: kept\nfrom: samples\nmatch: [cpu]\npartitions: 4\ntransform:\n  - delta: {}\n  - filter: { where: "${where}" }\npublish:\n  - file: { path: kept.jsonl }\n`,
  );

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-workers-reload-'));
  await mkdir(join(folder, 'pipelines'));
  await sink('volume > 1');
  await writeFile(
    join(folder, 'agent.yaml'),
    'data_dir: data\npipelines: pipelines\ninputs: [{ http: { port: 0 } }]\ntiming: { heartbeat_ms: 300 }\nlog: { level: warn }\n',
  );
  parent = spawn(process.execPath, [main, 'agent', '-c', 'agent.yaml', '--workers', '2'], { cwd: folder, stdio: 'inherit' });
});
afterEach(async () => {
  const ended = new Promise((resolve) => parent.once('exit', resolve));
  if (parent.exitCode === null && parent.kill('SIGTERM')) await ended;
  await rm(folder, { recursive: true });
});

/** By process id, which configuration of the sink each worker has. */
async function running(): Promise<ReadonlyMap<number, string>> {
  const command = [main, 'status', '--json', '-c', 'agent.yaml'];
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: folder }).catch(() => ({ stdout: '' }));
  if (stdout === '') return new Map(); // no agent has run there yet
  const { members } = JSON.parse(stdout) as ClusterView;
  return new Map(members.map((member) => [member.pid, configurationOf(member)?.sinks['kept'] ?? '']));
}

async function until(condition: (now: ReadonlyMap<number, string>) => boolean): Promise<ReadonlyMap<number, string>> {
  const end = Date.now() + 30_000;
  for (;;) {
    const now = await running();
    if (condition(now)) return now;
    if (Date.now() > end) throw new Error(`not within 30 s; it is ${JSON.stringify([...now])}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

it('SIGHUP to the parent of several workers has each of them load its configuration, in the same process', {
  timeout: 90_000,
}, async () => {
  const before = await until((now) => now.size === 2);
  expect(new Set(before.values()).size).toBe(1);

  await sink('volume > 2');
  parent.kill('SIGHUP');
  const after = await until((now) => [...now.values()].every((hash) => ![...before.values()].includes(hash)));

  expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
  expect(new Set(after.values()).size).toBe(1);
});
