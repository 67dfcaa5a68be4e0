import type { ChildProcess } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConfirmChannel } from 'amqplib';
import type { Servers } from '../test/cluster/servers.ts';
import { pause } from '../test/faults/until.ts';
import { end, start } from './children.ts';
import { LineCount } from './line-count.ts';
import { cpuSeconds, rssAnonMiB } from './process-figures.ts';

export const exchange = 'bench';
export const queue = 'bench.info';

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const patienceMs = 300_000;

/** What one of its agents has beside the servers. */
export interface BenchWork {
  readonly pipeline: string;
  readonly settings?: (agent: number) => Readonly<Record<string, unknown>>;
  /** Beside the raw queue. */
  readonly inputs?: (agent: number) => readonly object[];
}

const rates: BenchWork = {
  pipeline: `sink: rates
from: samples
match: [cpu]
partition_by: [resource_id]
partitions: 16
order: arrival
transform:
  - rate_of_change: { target: { name: cpu.rate, type: gauge } }
publish:
  - file: { path: out.jsonl }
`,
};

/** Built agents that share one sink, of rates unless said otherwise, and the file they all append to. */
export class BenchCluster {
  readonly #folder: string;
  readonly #agents: readonly ChildProcess[];
  readonly #lines: LineCount;
  #seen: ((count: number) => void) | null = null;

  private constructor(folder: string, agents: readonly ChildProcess[]) {
    this.#folder = folder;
    this.#agents = agents;
    this.#lines = new LineCount(join(folder, 'out.jsonl'));
  }

  static async start(servers: Servers, folder: string, name: string, agents: number, work = rates): Promise<BenchCluster> {
    const password = 'for benches alone';
    await servers.redis.addUser(name, name, password);
    await mkdir(join(folder, 'pipelines'));
    await writeFile(join(folder, 'out.jsonl'), '');
    await writeFile(join(folder, 'redis-password'), password);
    await writeFile(join(folder, 'keys.yaml'), `active: k1\nkeys: { k1: "a key for benches, which anybody may know" }\n`);
    await writeFile(join(folder, 'pipelines', 'sink.yaml'), work.pipeline);
    const children = [];
    for (let i = 0; i < agents; i++) {
      const config = {
        cluster: name,
        data_dir: `data-${i}`,
        pipelines: 'pipelines',
        coordination: {
          redis: { url: servers.redis.url, acl_user: name, password_file: 'redis-password' },
          keys_file: 'keys.yaml',
        },
        topics: { amqp: { url: servers.rabbitmq.url } },
        inputs: [
          {
            amqp: {
              url: servers.rabbitmq.url,
              exchanges: [exchange],
              topics: ['bench'],
              priorities: ['info'],
              durable: true,
              prefetch: 1000,
            },
          },
          ...(work.inputs?.(i) ?? []),
        ],
        ...work.settings?.(i),
      };
      const file = join(folder, `agent-${i}.yaml`);
      await writeFile(file, JSON.stringify(config));
      children.push(
        start([process.execPath, main, 'agent', '-c', file], {
          cwd: folder,
          stdio: ['ignore', 'ignore', 'inherit'],
          env: { CEILOGRAPH_LOG_LEVEL: 'error' },
        }),
      );
    }
    return new BenchCluster(folder, children);
  }

  /** The raw queue is empty, and the file has not grown for three seconds. */
  async quiet(channel: ConfirmChannel): Promise<void> {
    await this.listening(channel);
    await this.rawTaken(channel);
    for (let still = 0, before = -1; still < 15; ) {
      const now = this.#look();
      still = now === before ? still + 1 : 0;
      before = now;
      await pause(200);
    }
    this.#lines.count = 0;
  }

  /** All agents consume. */
  listening(channel: ConfirmChannel): Promise<void> {
    return this.#until(async () => (await channel.checkQueue(queue)).consumerCount === this.#agents.length, 'nobody consumes');
  }

  rawTaken(channel: ConfirmChannel): Promise<void> {
    return this.#until(async () => (await channel.checkQueue(queue)).messageCount === 0, 'the raw queue is not empty');
  }

  /** So many since it was quiet. */
  lines(count: number): Promise<void> {
    return this.#until(async () => this.#look() >= count, `there are no ${count} lines`);
  }

  /** From now on: when the file had how many lines, looked at every few milliseconds. */
  latencies(): { stop(): ReadonlyMap<number, number> } {
    const at = new Map<number, number>();
    let known = 0;
    this.#seen = (count) => {
      for (; known < count; known++) at.set(known + 1, performance.now());
    };
    const timer = setInterval(() => this.#look(), 3);
    return {
      stop: () => {
        clearInterval(timer);
        this.#look();
        this.#seen = null;
        return at;
      },
    };
  }

  get pids(): readonly number[] {
    return this.#agents.map(({ pid }) => pid as number);
  }

  async measure(work: () => Promise<number>) {
    const pids = this.pids;
    const cpu = () => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const [cpuBefore, began] = [cpu(), performance.now()];
    const samples = await work();
    const seconds = (performance.now() - began) / 1000;
    return { samples, cpu: cpu() - cpuBefore, seconds, rssAnon: Math.max(...pids.map(rssAnonMiB)) };
  }

  async end(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => end(agent)));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #look(): number {
    const count = this.#lines.look();
    this.#seen?.(count);
    return count;
  }

  async #until(done: () => Promise<boolean>, failure: string): Promise<void> {
    const end = performance.now() + patienceMs;
    while (!(await done())) {
      const dead = this.#agents.find(({ exitCode }) => exitCode !== null);
      if (dead !== undefined) throw new Error(`an agent ended with ${dead.exitCode}`);
      if (performance.now() > end) throw new Error(`${failure} within ${patienceMs / 1000} s`);
      await pause(20);
    }
  }
}
