import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentProcesses } from '../../src/cli/demo/agents.ts';
import { until } from '../faults/until.ts';
import { projectDir } from '../run/program.ts';
import { freePort } from '../services/free-port.ts';

const main = join(projectDir, 'dist/cli/main.js');
const wholeWayMs = 40_000;

describe('two agents with a spooler each', { timeout: 2 * wholeWayMs + 20_000 }, () => {
  let folder: string;
  let agents: AgentProcesses;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ceilograph-spooler-'));
    agents = new AgentProcesses(folder, main);
  });
  afterEach(async () => {
    await agents.stopAll('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  const agentFile = async (name: string, spooler: string, input: string, publish: string) => {
    const dir = join(folder, name);
    await mkdir(join(dir, 'pipelines'), { recursive: true });
    await writeFile(join(dir, 'key'), 'a secret\n');
    await writeFile(join(dir, 'pipelines/all.yaml'), `sink: all\nfrom: samples\nmatch: ["*"]\npublish:\n${publish}`);
    await writeFile(
      join(dir, 'agent.yaml'),
      `data_dir: data\npipelines: pipelines\ninputs:\n  - ${input}\nspooler: { ${spooler}, shared_key_file: key }\n`,
    );
    return join(dir, 'agent.yaml');
  };
  const samplesOf = async (name: string) => {
    const text = await readFile(join(folder, name, 'out.jsonl'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  };

  it.each([
    [
      'the source dials',
      (port: number) => [`tcp_client: { servers: [{ address: 127.0.0.1, port: ${port} }] }`, `tcp_server: { listen: ${port} }`],
    ],
    [
      'the sink dials',
      (port: number) => [`tcp_server: { listen: ${port} }`, `tcp_client: { servers: [{ address: 127.0.0.1, port: ${port} }] }`],
    ],
  ])('have at the sink every sample of the source, byte for byte, when %s', async (_who, sides) => {
    const [ofSource, ofSink] = sides(await freePort());
    const file = '  - file: { path: out.jsonl }\n';
    const source = await agentFile(
      'source',
      `role: source, site: east, ${ofSource}`,
      'file: { path: in.jsonl }',
      `${file}  - spool: {}\n`,
    );
    const sink = await agentFile('sink', `role: sink, site: centre, ${ofSink}`, 'spool: {}', file);
    await copyFile(join(projectDir, 'test/golden/notifications.jsonl'), join(folder, 'source/in.jsonl'));

    agents.start('source', source);
    agents.start('sink', sink);
    const { stdout } = await promisify(execFile)(process.execPath, [
      main,
      'convert',
      '--to',
      'samples',
      join(folder, 'source/in.jsonl'),
    ]);
    const all = stdout.split('\n').length - 1;
    for (const site of ['source', 'sink'])
      await until(async () => (await samplesOf(site)).length >= all, wholeWayMs, `not all ${all} samples came to the ${site}`);

    expect(all).toBeGreaterThan(50);
    expect((await samplesOf('sink')).sort()).toEqual((await samplesOf('source')).sort());
    for (const [file, peer] of [
      [source, 'centre'],
      [sink, 'east'],
    ] as const) {
      const asked = () => promisify(execFile)(process.execPath, [main, 'spool', 'check', '-c', file, '--expect', peer]);
      await until(async () => (await asked().catch(() => null)) !== null, wholeWayMs, `spool check is not content with ${file}`);
      expect((await asked()).stdout).toMatch(/^SPOOLER OK - (?:source east|sink centre), 1 connected \| last_updated=/);
    }
  });
});
