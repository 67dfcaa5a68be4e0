import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pause } from '../test/faults/until.ts';
import { freePort } from '../test/services/free-port.ts';
import { type Bar, bar, barLines } from './bars.ts';
import { build, end, endTogether, start } from './children.ts';
import { machine, machineLine, rounded } from './process-figures.ts';
import { scratchFolder } from './scratch.ts';

/**
 * What watching costs the one that is watched, end to end: one built agent, notifications by HTTP as fast as it takes them, samples converted, and for
 * one sink appended, computed, committed and written to a file, for another, without state, written as they are. In blocks that take turns, forth and back:
 *
 * - `none`: no tap is open
 * - `idle`: one is open where nothing flows
 * - `active`: one is open on all that the first sink computes, at its usual rate of 1,000 items a second, and read
 * - `direct`: the same on the second, which otherwise keeps text alone
 * - `searching`: as `active`, with a filter that is asked for every item and lets none through
 *
 *     npm run bench -- tap [--json] [--notifications 2000] [--rounds 50]
 *
 * One block differs from the next by a tenth whatever is done, so they are short and many, and a ratio is that of the means of what lies
 * between the lowest and the highest fifth of the blocks. `idle` does nothing at all, so its distance from 1 is the noise. The agent is `dist/`, built first.
 */
const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    notifications: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '50' },
  },
});
endTogether();

const [notifications, rounds] = [Number(values.notifications), Number(values.rounds)];
const samplesEach = 10;
const batch = 100;
const kinds = {
  none: null,
  idle: 'what=nobody',
  active: 'what=rates',
  direct: 'what=raw',
  searching: 'what=rates&filter=volume+%3E+1e300',
} as const;
type Kind = keyof typeof kinds;
const names = Object.keys(kinds) as Kind[];

interface Block {
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly shown: number;
}

const begun = machine();
await build();
const folder = scratchFolder();
const [http, admin] = [await freePort(), await freePort()];
await mkdir(join(folder, 'pipelines'));
await writeFile(
  join(folder, 'agent.yaml'),
  `data_dir: data\npipelines: pipelines\ninputs:\n  - http: { host: 127.0.0.1, port: ${http} }\nadmin: { listen: "127.0.0.1:${admin}" }\nlog: { level: warn }\n`,
);
await writeFile(
  join(folder, 'pipelines', 'rates.yaml'),
  'sink: rates\nfrom: samples\nmatch: [cpu]\npartition_by: [resource_id]\npartitions: 4\ntransform:\n  - delta: {}\npublish:\n  - file: { path: out.jsonl }\n',
);
await writeFile(
  join(folder, 'pipelines', 'raw.yaml'),
  'sink: raw\nfrom: samples\nmatch: [cpu]\npublish:\n  - file: { path: raw.jsonl }\n',
);
const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const agent = start([process.execPath, main, 'agent', '-c', 'agent.yaml'], {
  cwd: folder,
  stdio: ['ignore', 'ignore', 'inherit'],
});
const pid = agent.pid ?? 0;
const asked = async (path: string) => await fetch(`http://127.0.0.1:${admin}${path}`).catch(() => null);
while ((await asked('/readyz'))?.ok !== true) await pause(100);

const made = [0, 0];
// The first of each resource makes no output.
for (const sender of made.keys()) await post(sender, 1);
const done: Record<Kind, Block>[] = [];
for (let round = -1; round < rounds; round++) {
  const blocks: Partial<Record<Kind, Block>> = {};
  for (const kind of round % 2 === 0 ? names : names.toReversed()) blocks[kind] = await block(kind);
  const turn = blocks as Record<Kind, Block>;
  // The first is for warming up.
  if (round >= 0) done.push(turn);
  const said = names.map((kind) => `${kind} ${turn[kind].cpuSeconds.toFixed(2)} s`);
  if (round % 10 === 9) process.stderr.write(`round ${round + 1} of ${rounds}: ${said.join(', ')} of CPU\n`);
}
await end(agent);

async function block(kind: Kind): Promise<Block> {
  const over = new AbortController();
  let shown = 0;
  const query = kinds[kind];
  const tapping =
    query === null
      ? Promise.resolve()
      : tap(query, over.signal, (lines) => {
          shown += lines;
        });
  if (query !== null) await pause(50);
  const wanted = (await published()) + 2 * notifications * samplesEach;
  const [cpu, at] = [await cpuSeconds(), performance.now()];
  const send = async (sender: number) => {
    for (let sent = 0; sent < notifications / made.length; sent += batch) await post(sender, batch);
  };
  await Promise.all([...made.keys()].map(send));
  while ((await published()) < wanted) await pause(20);
  const result = { cpuSeconds: (await cpuSeconds()) - cpu, seconds: (performance.now() - at) / 1_000, shown };
  over.abort();
  await tapping;
  return result;
}

function next(sender: number): number {
  const n = made[sender] ?? 0;
  made[sender] = n + 1;
  return n;
}

/** Resolves once they are durable. Each sender has resources of its own, whose samples stay in order. */
async function post(sender: number, count: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${http}/v1/notifications`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: Array.from({ length: count }, () => notification(sender, next(sender))).join('\n'),
  });
  if (answer.status !== 202) throw new Error(`the agent answered ${answer.status}`);
}

/** Of all threads of the agent, to the nanosecond; what `stat` says comes in steps of 10 ms. */
async function cpuSeconds(): Promise<number> {
  const tasks = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8')));
  return times.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e9;
}

/** Samples that the file has. */
async function published(): Promise<number> {
  const text = (await (await asked('/metrics'))?.text()) ?? '';
  const found = [...text.matchAll(/^ceilograph_published_total\{[^}]*\} (\d+)/gm)];
  return found.reduce((sum, [, count]) => sum + Number(count), 0);
}

async function tap(query: string, signal: AbortSignal, heard: (lines: number) => void): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${admin}/v1/tap?stage=out&${query}`, { signal });
  if (!answer.ok || answer.body === null) throw new Error(`the tap was answered ${answer.status}`);
  try {
    for await (const chunk of answer.body) heard(Buffer.from(chunk).toString('latin1').split('data: ').length - 1);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function notification(sender: number, n: number): string {
  const timestamp = new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString().slice(0, 23);
  const samples = Array.from({ length: samplesEach }, (_, i) => ({
    ...{ message_id: `s${sender}-${n}-${i}`, source: 'o', counter_name: 'cpu', counter_type: 'cumulative', counter_unit: 'ns' },
    ...{ counter_volume: n * 1_000 + i, user_id: 'u', project_id: 'p', resource_id: `r${sender}-${i}`, timestamp },
    ...{ resource_metadata: { host: `compute-${i}`, cpu_number: 2 }, monotonic_time: null },
  }));
  const about = {
    message_id: `n${sender}-${n}`,
    publisher_id: 'p',
    event_type: 'telemetry.polling',
    priority: 'SAMPLE',
    timestamp,
  };
  return JSON.stringify({ ...about, payload: { samples } });
}

const middle = (values: readonly number[]) => {
  const fifth = Math.floor(values.length / 5);
  const kept = values.toSorted((a, b) => a - b).slice(fifth, values.length - fifth);
  return kept.reduce((sum, value) => sum + value, 0) / kept.length;
};
const mean = (kind: Kind, of: keyof Block) => middle(done.map((turn) => turn[kind][of]));
const samples = notifications * samplesEach;
const figuresOf = (kind: Kind) => ({
  cpuMicrosecondsPerSample: rounded((mean(kind, 'cpuSeconds') * 1e6) / samples, 2),
  samplesPerSecond: Math.round(samples / mean(kind, 'seconds')),
  shownPerSecond: Math.round(mean(kind, 'shown') / mean(kind, 'seconds')),
  cpuRatio: rounded(mean(kind, 'cpuSeconds') / mean('none', 'cpuSeconds'), 3),
  timeRatio: rounded(mean(kind, 'seconds') / mean('none', 'seconds'), 3),
});
const figures = {
  none: figuresOf('none'),
  idle: figuresOf('idle'),
  active: figuresOf('active'),
  direct: figuresOf('direct'),
  searching: figuresOf('searching'),
};
const row = (kind: Kind) =>
  `  ${kind.padEnd(12)}${Object.values(figures[kind])
    .map((value) => `${value}`.padStart(14))
    .join('')}`;
console.log(
  [
    `A tap on one agent at full load: HTTP to file, ${samples} samples a block, ${rounds} rounds`,
    '',
    `  ${' '.repeat(12)}${['CPU-µs/sample', 'samples/s', 'shown/s', 'CPU to none', 'time to none'].map((each) => each.padStart(14)).join('')}`,
    ...names.map(row),
    '',
    machineLine(begun),
  ].join('\n'),
);
const bars: readonly Bar[] = [
  bar('CPU with an idle tap, to none', figures.idle.cpuRatio, 1.03),
  bar('CPU with an active tap, to none', figures.active.cpuRatio, 1.05),
  bar('time with an active tap, to none', figures.active.timeRatio, 1.05),
  bar('CPU with an active tap on a sink without state, to none', figures.direct.cpuRatio, 1.05),
  bar('CPU with a tap that searches, to none', figures.searching.cpuRatio, 1.05),
];
console.log(barLines(bars));
if (values.json) console.log(JSON.stringify({ name: 'tap', ...figures, bars, machine: begun }));
