import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectDir } from '../run/program.ts';
import { freePort } from '../services/free-port.ts';

/** What operators do to a running group of three agents, by the commands they have. */
const names = ['a1', 'a2', 'a3'] as const;
const main = join(projectDir, 'dist/cli/main.js');
let folder: string;
const agents = new Map<string, ChildProcess>();
const ports = new Map<string, { readonly http: number; readonly admin: number }>();
const file = (name: string) => join(folder, `${name}.yaml`);

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function ceilograph(...args: readonly string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { cwd: folder, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err });
    });
  });
}

const json = async (...args: readonly string[]) => JSON.parse((await ceilograph(...args, '--json', '-c', file('a1'))).out);

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`within 60 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

let sent = 0;
async function send(agent: string, volume: number, resource = `r${sent % 7}`): Promise<string> {
  sent += 1;
  const at = new Date(Date.now() + sent * 1_000 - 300_000).toISOString().slice(0, 19);
  const sample = {
    ...{ message_id: `s${sent}`, source: 'o', counter_name: 'cpu', counter_type: 'cumulative', counter_unit: 'ns' },
    ...{ counter_volume: volume, user_id: null, project_id: null, resource_id: resource, timestamp: at },
    ...{ resource_metadata: {}, monotonic_time: null },
  };
  const id = `n${sent}`;
  const notification = {
    ...{ message_id: id, publisher_id: 'p', event_type: 'telemetry.polling', priority: 'SAMPLE', timestamp: at },
    payload: { samples: [sample] },
  };
  const body = JSON.stringify(notification);
  const answer = await fetch(`http://127.0.0.1:${ports.get(agent)?.http}/v1/notifications`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(answer.status).toBe(202);
  return id;
}

const sinkFile = (more = '') =>
  writeFile(
    join(folder, 'pipelines', 'rates.yaml'),
    `sink: rates\nfrom: samples\nmatch: [cpu]\npartition_by: [resource_id]\npartitions: 6\ntransform:\n  - delta: {}\n${more}publish:\n  - file: { path: "out-\${env:AGENT}.jsonl" }\n`,
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-operators-'));
  await mkdir(join(folder, 'pipelines'));
  await sinkFile();
  await writeFile(
    join(folder, 'pipelines', 'direct.yaml'),
    `sink: raw\nfrom: samples\nmatch: [cpu]\npublish:\n  - file: { path: "raw-\${env:AGENT}.jsonl" }\n`,
  );
  for (const name of names) {
    const [http, admin] = [await freePort(), await freePort()];
    ports.set(name, { http, admin });
    await writeFile(
      file(name),
      `data_dir: data\npipelines: pipelines\ninputs:\n  - http: { host: 127.0.0.1, port: ${http} }\nadmin: { listen: "127.0.0.1:${admin}" }\nagent: { static_id: ${name} }\ntiming: { heartbeat_ms: 300, lease_ttl_ms: 6000, renew_ms: 500, rejoin_grace_ms: 0 }\nlog: { level: warn }\n`,
    );
    process.env['AGENT'] = name;
    agents.set(name, spawn(process.execPath, [main, 'agent', '-c', file(name)], { cwd: folder, stdio: 'inherit' }));
  }
  process.env['AGENT'] = 'cli';
  await until('three agents share six partitions', async () => {
    const { code, out } = await ceilograph('status', '--check', '-c', file('a1'));
    return code === 0 && out.includes('agents=3;') && out.includes('partitions=6;');
  });
}, 90_000);

afterAll(async () => {
  delete process.env['AGENT'];
  const ended = [...agents.values()].map((agent) => new Promise((resolve) => agent.once('exit', resolve)));
  for (const agent of agents.values()) agent.kill('SIGTERM');
  await Promise.all(ended);
  await rm(folder, { recursive: true });
}, 60_000);

describe('three agents, by the commands of an operator', () => {
  it('are tapped all at once, by sink and stage, through a filter, and end at the limit', { timeout: 60_000 }, async () => {
    const tapping = ceilograph(
      'tap',
      'rates',
      '--stage',
      'appended',
      '--filter',
      'volume >= 1000',
      '--limit',
      '12',
      '-c',
      file('a1'),
    );
    let over = false;
    void tapping.finally(() => {
      over = true;
    });
    for (let n = 0; !over; n++) {
      for (const name of names) await send(name, n % 2 === 0 ? 1_000 + n : n);
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (n > 2_000) throw new Error('the tap has not ended');
    }
    const { code, out, err } = await tapping;
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

    expect(code, err).toBe(0);
    expect(lines).toHaveLength(12);
    expect(lines.every(({ stage, sink, item }) => stage === 'appended' && sink === 'rates' && item.volume >= 1_000)).toBe(true);
    expect(new Set(lines.map(({ agent }) => agent))).toEqual(new Set(names));
  });

  it.each([
    ['rates', 'out'],
    ['raw', 'out'],
    ['http', 'converted'],
  ])('are tapped at %s, where %s is what fits', async (what, stage) => {
    const tapping = ceilograph('tap', what, '--limit', '3', '-c', file('a2'));
    let over = false;
    void tapping.finally(() => {
      over = true;
    });
    while (!over) {
      for (const name of names) await send(name, 5);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }

    const lines = (await tapping).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.stage)).toEqual([stage, stage, stage]);
  });

  it('refuse a filter that is no expression', async () => {
    const { code, err } = await ceilograph('tap', 'rates', '--filter', 'volume >', '-c', file('a1'));

    expect(code).toBe(1);
    expect(err).toContain('400 filter:');
  });

  it('tell the way of a notification from the agent that got it to the one that published it', async () => {
    await send('a1', 1, 'traced');
    const id = await send('a1', 3, 'traced');
    await until('it is published', async () => {
      const { steps } = await json('trace', id);
      return steps.some(({ step }: { readonly step: string }) => step === 'published');
    });

    const { steps } = await json('trace', id);
    const of = (name: string) => steps.find(({ step }: { readonly step: string }) => step === name);
    expect(of('received')).toMatchObject({ agent: 'a1', input: 'http', detail: '1 samples, 0 events' });
    expect(of('accepted')).toMatchObject({ agent: 'a1', sink: 'raw' });
    expect(of('appended')).toMatchObject({ agent: 'a1', sink: 'rates' });
    expect(of('committed')).toMatchObject({ unit: of('appended').unit });
    expect(of('published')).toMatchObject({ unit: of('appended').unit, publisher: 'file', agent: of('committed').agent });
    expect((await ceilograph('trace', id, '-c', file('a3'))).out).toMatch(/received .*\n(.*\n)*.*published /);
    expect((await ceilograph('trace', 'nobody', '-c', file('a3'))).code).toBe(1);
  });

  it('are shown by top, with what each does', async () => {
    await send('a1', 1);
    const { out } = await ceilograph('top', '--times', '2', '--interval', '1', '--json', '-c', file('a1'));
    const last = JSON.parse(out.trim().split('\n').at(-1) ?? '');
    const { out: table } = await ceilograph('top', '--times', '1', '-c', file('a1'));

    expect(last.members.map(({ agent }: { readonly agent: string }) => agent).sort()).toEqual([...names]);
    expect(last.sinks.map(({ sink }: { readonly sink: string }) => sink)).toEqual(['rates', 'raw']);
    for (const word of ['AGENT', 'a2', 'raw (direct)', 'PARTITION', 'rates.g1.p0']) expect(table).toContain(word);
  });

  it('keep, try again and drop dead letters', { timeout: 60_000 }, async () => {
    await fetch(`http://127.0.0.1:${ports.get('a2')?.http}/v1/notifications`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"message_id": "broken"}',
    });
    await until('there is one', async () => (await json('deadletter', 'list')).stats.letters === 1);
    const [letter] = (await json('deadletter', 'list', '--stage', 'decode')).letters;

    expect((await ceilograph('deadletter', 'show', letter.id, '--body', '-c', file('a1'))).out).toBe('{"message_id": "broken"}');
    const again = await ceilograph('deadletter', 'retry', letter.id, '--wait', '30', '--json', '-c', file('a1'));
    expect(again.code).toBe(1);
    expect(JSON.parse(again.out)).toMatchObject({ through: 0, failedAgain: 1, waiting: 0 });
    expect(await json('deadletter', 'drop', '--reason', letter.reason)).toMatchObject({ dropped: 1 });
  });

  it('take up a changed sink one after the other, are seen to differ meanwhile, and refuse a file that is wrong', {
    timeout: 120_000,
  }, async () => {
    await sinkFile('  - filter: { where: "volume >= 0" }\n');
    const one = await ceilograph('reload', '--url', `http://127.0.0.1:${ports.get('a1')?.admin}`, '--json', '-c', file('a1'));
    expect(JSON.parse(one.out)).toMatchObject({ ok: true, changed: ['rates'], unchanged: 1 });
    await until('they are seen to differ, and a1 runs no partition of the sink', async () => {
      const { code, out } = await ceilograph('status', '--check', '-c', file('a1'));
      const { partitions } = await json('status');
      const owners = partitions.map(({ owner }: { readonly owner: string | null }) => owner);
      return code === 1 && out.includes('configurations differ: a1 runs') && !owners.includes('a1') && !owners.includes(null);
    });

    const all = await ceilograph('reload', '-c', file('a1'));
    expect(all.out).toMatch(/a1 runs [\w-]+: 2 sinks unchanged/);
    expect(all.out).toMatch(/a3 runs [\w-]+: changed rates; 1 sinks unchanged/);
    await until('all agree again', async () => (await ceilograph('status', '--check', '-c', file('a1'))).code === 0);

    await sinkFile('  - nothing_of_the_kind: {}\n');
    const bad = await ceilograph('reload', '-c', file('a1'));
    expect(bad).toMatchObject({
      code: 1,
      out: expect.stringMatching(/a1 goes on as before:\n.*rates\.yaml:8:\d+ .*nothing_of_the_kind/),
    });
    await until('status says so', async () => {
      const { code, out } = await ceilograph('status', '--check', '-c', file('a1'));
      return code === 1 && out.includes('a1 did not take up its configuration');
    });
    await sinkFile('  - filter: { where: "volume >= 0" }\n');
    agents.get('a1')?.kill('SIGHUP');
    await until('a signal does it too', async () => (await ceilograph('status', '--check', '-c', file('a1'))).code === 0);

    await send('a3', 10, 'last');
    await send('a3', 14, 'last');
    await until('it goes on', async () => {
      const texts = await Promise.all(names.map((name) => readFile(join(folder, `out-${name}.jsonl`), 'utf8').catch(() => '')));
      return texts.join('').includes('"resource_id":"last"');
    });
  });
});
