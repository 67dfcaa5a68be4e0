import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConfirmChannel, connect } from 'amqplib';
import { projectDir } from '../run/program.ts';
import { freePort } from '../services/free-port.ts';
import { SeenIds } from './seen-ids.ts';
import { slopePerMinute } from './slope.ts';

/** What a long time under load did to two agents, one of which is killed every minute. */
export interface SoakedAgent {
  readonly perSecond: number;
  readonly fed: number;
  readonly lost: number;
  readonly doubled: number;
  readonly kills: number;
  /** Seconds from each kill until everything that was fed before is out. Null: not before the next kill. */
  readonly recovered: readonly (number | null)[];
  /** Of the agent that lives through it. */
  readonly rssAnonMiB: readonly { readonly minute: number; readonly mib: number }[];
  readonly slopeMiBPerMinute: number;
  /** Of each minute. */
  readonly loopP99Ms: readonly number[];
}

const main = join(projectDir, 'dist/cli/main.js');
const queue = 'soak.info';
const load = 0.6;
/** Of the time, before memory and event loop are judged: code is compiled, and the window of two minutes fills with ids. */
const warmShare = 1 / 3;
const partitions = 8;
const resources = 2_000;
/** Every tenth sample comes a second time, in a notification of its own, so many notifications later. */
const again = 1_000;
const tickMs = 20;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * RabbitMQ → topic of 8 partitions → `deduplicate` with a window of two minutes → file, by two agents of one data directory. First as fast as they can, to
 * know what 60 % of that is; then so much, while every minute one of them is killed and started again.
 */
export async function soakAgent(url: string, minutes: number): Promise<SoakedAgent> {
  const folder = await mkdtemp(join(tmpdir(), 'ceilograph-soak-'));
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  await channel.assertExchange('soak', 'topic', { durable: true });
  await channel.deleteQueue(queue);
  await channel.assertQueue(queue, { durable: true });
  await channel.bindQueue(queue, 'soak', queue);
  const ports = [await freePort(), await freePort()];
  await configure(folder, url, ports);
  const start = (index: number) =>
    spawn(process.execPath, [main, 'agent', '-c', `agent-${index}.yaml`], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  const [steady, first] = [start(0), start(1)];
  let victim = first;
  const out = new SeenIds(join(folder, 'out.jsonl'));
  const feeder = new Feeder(channel);
  try {
    await until(async () => (await channel.checkQueue(queue)).consumerCount === 2, 60_000, 'both agents consume');
    const perSecond = load * (await capacity(feeder, out));
    console.log(`60 % of what they can is ${perSecond.toFixed(0)} notifications a second`);
    const begun = performance.now();
    const rssAnonMiB: { minute: number; mib: number }[] = [];
    const loopP99Ms: number[] = [];
    const recovered: (number | null)[] = [];
    await loopP99(ports[0] ?? 0); // begins its histogram anew
    for (let minute = 0; minute < minutes; minute++) {
      const killedAt = performance.now();
      const before = feeder.samples;
      await kill(victim);
      victim = start(1);
      let back: number | null = null;
      for (let step = 0; performance.now() < begun + (minute + 1) * 60_000; step++) {
        await feeder.keepUp(perSecond, tickMs);
        if (step % 25 !== 0) continue;
        out.look();
        if (back === null && out.all(before)) back = Math.round((performance.now() - killedAt) / 100) / 10;
        if (step % 500 === 0)
          rssAnonMiB.push({ minute: (performance.now() - begun) / 60_000, mib: (await rssAnonOf(steady)) / 1024 });
      }
      recovered.push(back);
      loopP99Ms.push(await loopP99(ports[0] ?? 0));
      console.log(
        `minute ${minute + 1}: everything out ${back} s after the kill, RssAnon ${rssAnonMiB.at(-1)?.mib.toFixed(0)} MiB, loop p99 ${loopP99Ms.at(-1)?.toFixed(0)} ms`,
      );
    }
    await feeder.finish();
    await until(async () => out.look() >= feeder.samples, 120_000, 'every sample is out').catch(() => undefined); // counted below
    const settled = rssAnonMiB.filter(({ minute }) => minute >= minutes * warmShare);
    return {
      ...{ perSecond: Math.round(perSecond), fed: feeder.notifications, kills: minutes, recovered, rssAnonMiB, loopP99Ms },
      ...{ lost: feeder.samples - out.size, doubled: out.doubled },
      slopeMiBPerMinute: slopePerMinute(settled.map(({ minute, mib }) => [minute, mib])),
    };
  } finally {
    await Promise.all([steady, victim].map((agent) => end(agent, 'SIGTERM')));
    await channel.deleteQueue(queue).catch(() => undefined); // the connection may be the reason why we are here
    await connection.close().catch(() => undefined);
    await rm(folder, { recursive: true });
  }
}

export function isSound({ lost, doubled, recovered, slopeMiBPerMinute, loopP99Ms }: SoakedAgent): boolean {
  const settled = loopP99Ms.slice(Math.ceil(loopP99Ms.length * warmShare));
  return lost + doubled === 0 && !recovered.includes(null) && slopeMiBPerMinute < 0.5 && settled.every((ms) => ms < 50);
}

async function configure(folder: string, url: string, ports: readonly number[]): Promise<void> {
  await mkdir(join(folder, 'pipelines'));
  await writeFile(
    join(folder, 'pipelines', 'once.yaml'),
    `sink: once\nfrom: samples\nmatch: [cpu]\npartition_by: [resource_id]\npartitions: ${partitions}\ntransform:\n  - deduplicate: { window: 2m }\npublish:\n  - file: { path: out.jsonl }\n`,
  );
  const amqp = { url, exchanges: ['soak'], topics: ['soak'], priorities: ['info'], durable: true, prefetch: 1000 };
  for (const [index, port] of ports.entries()) {
    const config = {
      ...{ data_dir: 'data', pipelines: 'pipelines', inputs: [{ amqp }], log: { level: 'error' } },
      ...{ agent: { static_id: `agent-${index}` }, admin: { listen: `127.0.0.1:${port}` } },
    };
    await writeFile(join(folder, `agent-${index}.yaml`), JSON.stringify(config));
  }
}

/** Notifications a second, with a backlog, once they are warm. */
async function capacity(feeder: Feeder, out: SeenIds): Promise<number> {
  const through = async (count: number) => {
    await feeder.publish(count);
    const wanted = feeder.samples;
    await until(async () => out.look() >= wanted, 180_000, 'what measures the capacity is out');
  };
  await through(20_000);
  const [before, at] = [feeder.notifications, performance.now()];
  await through(60_000);
  return ((feeder.notifications - before) / (performance.now() - at)) * 1000;
}

class Feeder {
  readonly #channel: ConfirmChannel;
  readonly #pending: number[] = [];
  #pace: { readonly since: number; readonly from: number } | null = null;
  notifications = 0;
  /** Different ones. */
  samples = 0;

  constructor(channel: ConfirmChannel) {
    this.#channel = channel;
  }

  async publish(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const due = this.#pending[0] !== undefined && this.samples - this.#pending[0] >= again ? this.#pending.shift() : undefined;
      const n = due ?? this.samples++;
      if (due === undefined && n % 10 === 0) this.#pending.push(n);
      this.notifications += 1;
      if (!this.#channel.publish('soak', queue, bodyOf(this.notifications, n), { persistent: true }))
        await new Promise((resolve) => this.#channel.once('drain', resolve));
    }
  }

  /** Publishes what is due by now at that rate, then waits for the next turn. */
  async keepUp(perSecond: number, turnMs: number): Promise<void> {
    this.#pace ??= { since: performance.now(), from: this.notifications };
    const due = this.#pace.from + ((performance.now() - this.#pace.since) / 1000) * perSecond;
    await this.publish(Math.max(0, Math.floor(due - this.notifications)));
    await pause(turnMs);
  }

  async finish(): Promise<void> {
    await this.#channel.waitForConfirms();
  }
}

function bodyOf(notification: number, n: number): Buffer {
  const at = new Date().toISOString().slice(0, 23);
  const sample = {
    ...{ message_id: `s${n}`, source: 'o', counter_name: 'cpu', counter_type: 'cumulative', counter_unit: 'ns' },
    ...{ counter_volume: n, user_id: null, project_id: null, resource_id: `r${n % resources}`, timestamp: at },
    ...{ resource_metadata: { host: `node-${n % 97}`, display_name: `vm-${n % resources}` }, monotonic_time: null },
  };
  const about = { publisher_id: 'p', event_type: 'telemetry.polling', priority: 'INFO', timestamp: at };
  return Buffer.from(JSON.stringify({ message_id: `n${notification}`, ...about, payload: { samples: [sample] } }));
}

/** Milliseconds; of the time since it was asked for last. */
async function loopP99(port: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const page = await answer.text();
  const found = /^ceilograph_nodejs_eventloop_lag_p99_seconds\S* (\S+)/m.exec(page)?.[1];
  if (found === undefined) throw new Error(`no p99 of the event loop in /metrics (${answer.status})`);
  return Number(found) * 1000;
}

async function rssAnonOf({ pid }: ChildProcess): Promise<number> {
  return Number(/RssAnon:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

async function until(condition: () => Promise<boolean>, withinMs: number, what: string): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs / 1000} s: ${what}`);
    await pause(100);
  }
}

const kill = (agent: ChildProcess) => end(agent, 'SIGKILL');

async function end(agent: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = new Promise((resolve) => agent.once('exit', resolve));
  agent.kill(signal);
  await ended;
}
