import { type ChildProcess, spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterView } from '../../src/agent/cluster-view.ts';
import { projectDir, runProgram } from '../run/program.ts';
import { freePort } from '../services/free-port.ts';

/** What so many reloads did to one agent under load. */
export interface Soaked {
  readonly reloads: number;
  readonly refused: number;
  readonly seconds: number;
  readonly fed: number;
  /** By sink: outputs of a replay, those of them that did not come out, those that came and are none. */
  readonly sinks: readonly {
    readonly sink: string;
    readonly outputs: number;
    readonly lost: number;
    readonly invented: number;
  }[];
  /** KiB, after so many reloads. */
  readonly rssAnon: readonly { readonly reloads: number; readonly kib: number }[];
  /** No partition of the sink that never changes was let go in between. */
  readonly leftAlone: boolean;
}

const main = join(projectDir, 'dist/cli/main.js');
const perTick = 10;
const tickMs = 25;
const partitions = 4;
const resources = 50;

/**
 * One agent, four sinks: one never changes, one changes its steps with every reload (to what computes the same), one moves between two
 * files, one comes and goes. Notifications come all the time. In the end all outputs are compared with a replay.
 */
export async function soakReload(reloads: number, withinMs: number): Promise<Soaked> {
  const folder = await mkdtemp(join(tmpdir(), 'ceilograph-soak-'));
  const port = await freePort();
  await mkdir(join(folder, 'pipelines'));
  await writeFile(join(folder, 'in.jsonl'), '');
  await writeFile(
    join(folder, 'agent.yaml'),
    `data_dir: data\npipelines: pipelines\ninputs:\n  - file: { path: in.jsonl, follow: true, poll_interval_ms: 20 }\nadmin: { listen: "127.0.0.1:${port}" }\ntiming: { heartbeat_ms: 500 }\nlog: { level: warn }\n`,
  );
  await variant(folder, 0);
  const agent = spawn(process.execPath, [main, 'agent', '-c', 'agent.yaml'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const steady = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/status`).catch(() => null);
    const { partitions = [] } = answer?.ok === true ? ((await answer.json()) as Partial<ClusterView>) : {};
    return partitions.filter(({ sink, owner }) => sink === 'steady' && owner !== null).map(({ epoch }) => epoch);
  };
  const feeder = feed(join(folder, 'in.jsonl'));
  try {
    await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null))?.ok === true);
    await until(async () => (await steady()).length === partitions);
    const epochs = await steady();
    const begun = performance.now();
    const rssAnon = [];
    let refused = 0;
    let done = 0;
    while (done < reloads && performance.now() - begun < withinMs) {
      done += 1;
      await variant(folder, done);
      const answer = await fetch(`http://127.0.0.1:${port}/v1/reload`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      const { ok, changed } = (await answer.json()) as { readonly ok: boolean; readonly changed?: readonly string[] };
      if (!ok || changed?.includes('steady') === true) refused += 1;
      if (done % 100 !== 0) continue;
      const kib = await rssAnonOf(agent);
      rssAnon.push({ reloads: done, kib });
      console.error(
        `${done} reloads after ${Math.round((performance.now() - begun) / 1_000)} s, RssAnon ${Math.round(kib / 1024)} MiB`,
      );
    }
    const seconds = Math.round((performance.now() - begun) / 1_000);
    await variant(folder, 0);
    await fetch(`http://127.0.0.1:${port}/v1/reload`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const fed = await feeder.stop();
    await settled(folder, fed);
    const leftAlone = (await steady()).join() === epochs.join();
    await end(agent);
    return { reloads: done, refused, seconds, fed, sinks: await compare(folder), rssAnon, leftAlone };
  } finally {
    await feeder.stop();
    await end(agent);
    await rm(folder, { recursive: true });
  }
}

export function isGood({ refused, sinks, rssAnon, leftAlone }: Soaked): boolean {
  const [first, last] = [rssAnon[0], rssAnon.at(-1)];
  const grown = first === undefined || last === undefined ? 0 : last.kib - first.kib;
  const same = sinks.every(({ outputs, lost, invented }) => outputs > 0 && lost + invented === 0);
  return refused === 0 && same && grown < 20 * 1024 && leftAlone;
}

async function variant(folder: string, n: number): Promise<void> {
  const sink = (name: string, steps: string, path = name) =>
    writeFile(
      join(folder, 'pipelines', `${name}.yaml`),
      `sink: ${name}\nfrom: samples\nmatch: [cpu]\npartition_by: [resource_id]\npartitions: ${partitions}\n${steps}publish:\n  - file: { path: ${path}.jsonl }\n`,
    );
  const delta = 'transform:\n  - delta: {}\n';
  await sink('steady', delta);
  await sink('steps', `${delta}  - filter: { where: "volume > -${n + 1}" }\n`);
  await sink('moves', '', n % 2 === 0 ? 'moves-a' : 'moves-b');
  if (n % 2 === 0) await rm(join(folder, 'pipelines', 'comes.yaml'), { force: true });
  else await sink('comes', delta);
}

function feed(path: string): { stop(): Promise<number> } {
  let fed = 0;
  let going = true;
  const run = (async () => {
    while (going) {
      const lines = Array.from({ length: perTick }, () => line(fed++));
      await appendFile(path, lines.join(''));
      await new Promise((resolve) => setTimeout(resolve, tickMs));
    }
  })();
  return {
    stop: async () => {
      going = false;
      await run;
      return fed;
    },
  };
}

function line(n: number): string {
  const at = new Date(Date.UTC(2026, 0, 1) + n * 100).toISOString().slice(0, 23);
  const sample = {
    ...{ message_id: `s${n}`, source: 'o', counter_name: 'cpu', counter_type: 'cumulative', counter_unit: 'ns' },
    ...{ counter_volume: n, user_id: null, project_id: null, resource_id: `r${n % resources}`, timestamp: at },
    ...{ resource_metadata: {}, monotonic_time: null },
  };
  const about = { message_id: `n${n}`, publisher_id: 'p', event_type: 'telemetry.polling', priority: 'SAMPLE', timestamp: at };
  return `${JSON.stringify({ ...about, payload: { samples: [sample] } })}\n`;
}

/** Of a replay with what never came and went: `comes` was there half of the time. */
async function compare(folder: string): Promise<Soaked['sinks']> {
  const { code, stdout } = await runProgram(
    process.execPath,
    [main, 'replay', join(folder, 'in.jsonl'), '-c', join(folder, 'agent.yaml'), '--out', join(folder, 'replayed')],
    {},
    300_000,
  );
  if (code !== 0) throw new Error(`the replay ended with ${code}: ${stdout}`);
  const came = async (file: string) => await readFile(join(folder, file), 'utf8').catch(() => '');
  const files: readonly (readonly [string, readonly string[]])[] = [
    ['steady', ['steady.jsonl']],
    ['steps', ['steps.jsonl']],
    ['moves', ['moves-a.jsonl', 'moves-b.jsonl']],
  ];
  return Promise.all(
    files.map(async ([sink, parts]) => {
      const wanted = new Set((await readFile(join(folder, 'replayed', `${sink}.jsonl`), 'utf8')).split('\n').filter(Boolean));
      const got = new Set((await Promise.all(parts.map(came))).join('').split('\n').filter(Boolean));
      const lost = [...wanted].filter((text) => !got.has(text)).length;
      return { sink, outputs: wanted.size, lost, invented: [...got].filter((text) => !wanted.has(text)).length };
    }),
  );
}

/** Every notification but the first of each resource has made an output, or two minutes are over; and nothing grows any more. */
async function settled(folder: string, fed: number): Promise<void> {
  const end = Date.now() + 120_000;
  let before = '';
  for (let calm = 0; calm < 4; ) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl'));
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    const now = texts.map(({ length }) => length).join(' ');
    const steady = (texts[names.indexOf('steady.jsonl')] ?? '').split('\n').length - 1;
    calm = now === before && (steady >= fed - resources || Date.now() > end) ? calm + 1 : 0;
    before = now;
  }
}

async function rssAnonOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('the agent is not ready within a minute');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function end(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = new Promise((resolve) => agent.once('exit', resolve));
  agent.kill('SIGTERM');
  await ended;
}
