import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ClusterView } from '../../src/agent/cluster-view.ts';
import { AgentProcesses } from '../../src/cli/demo/agents.ts';
import { loadSetup } from '../../src/config/load-setup.ts';
import type { SinkConfig } from '../../src/config/sink-config.ts';
import { projectDir } from '../run/program.ts';
import { exchange } from './feeder.ts';
import type { Servers } from './servers.ts';

const main = join(projectDir, 'dist/cli/main.js');

export interface ClusterOptions {
  readonly cluster: string;
  readonly folder: string;
  readonly servers: Servers;
  /** Where the agents look for the servers, when not at themselves: a proxy that cuts. */
  readonly amqpUrl?: (agent: string) => string;
  readonly redisUrl?: (agent: string) => string;
  /** Where it takes notifications, when not at `amqpUrl`. */
  readonly inputUrl?: (agent: string) => string;
  readonly pipelines?: string;
  /** Instead of what the sink files say. */
  readonly partitions?: number;
  /** For sinks that sort by event time: after a long backlog the usual five seconds are little. */
  readonly latenessMs?: number;
  readonly timing?: string;
  /** Notifications that an agent has in its hands at most. */
  readonly prefetch?: number;
  /** The brokers of a Kafka that has the internal topics; else they are in RabbitMQ. */
  readonly kafka?: readonly string[] | undefined;
  readonly recovery?: string;
  /** More of its environment, by agent. */
  readonly env?: (agent: string) => NodeJS.ProcessEnv;
  /** Files beside those of `pipelines`, or instead of them, by name. */
  readonly sinks?: Readonly<Record<string, string>>;
  /** One more line of the `publish` of a sink. */
  readonly alsoTo?: { readonly sink: string; readonly line: string };
  /** More settings of the agents' file. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Agents that take no notifications. */
  readonly withoutInputs?: readonly string[];
}

export const usualTiming = 'lease_ttl_ms: 3000, renew_ms: 900, heartbeat_ms: 300, rejoin_grace_ms: 0';

const key = 'a key for tests, which anybody may know';

/** Several `ceilograph agent`s, compiled, with one Redis and one RabbitMQ; outputs and recordings of all of them in one folder. */
export class ClusterUnderTest {
  readonly outputs: string;
  readonly recordings: string;
  readonly options: ClusterOptions;
  /** As they were before they were changed. */
  readonly formerSinks: SinkConfig[] = [];
  readonly #processes: AgentProcesses;

  private constructor(options: ClusterOptions) {
    this.options = options;
    this.outputs = join(options.folder, 'out');
    this.recordings = join(options.folder, 'rec');
    this.#processes = new AgentProcesses(options.folder, main);
  }

  static async prepare(options: ClusterOptions): Promise<ClusterUnderTest> {
    const { folder, partitions } = options;
    await writeFile(join(folder, 'keys.yaml'), `active: k1\nkeys: { k1: ${JSON.stringify(key)} }\n`);
    await mkdir(join(folder, 'pipelines'));
    const cluster = new ClusterUnderTest(options);
    await cluster.writePipelines(partitions);
    return cluster;
  }

  /** For agents that start from now on. */
  async writePipelines(partitions: number | undefined): Promise<void> {
    const { folder, latenessMs, pipelines } = this.options;
    const source = pipelines ?? fileURLToPath(new URL('pipelines', import.meta.url));
    for (const name of await readdir(source)) {
      const asItIs = await readFile(join(source, name), 'utf8');
      // `publish` is the last of each.
      const text = name === `${this.options.alsoTo?.sink}.yaml` ? `${asItIs.trimEnd()}\n${this.options.alsoTo?.line}` : asItIs;
      const counted = partitions === undefined ? text : `${text.replace(/^partitions:.*\n/m, '')}partitions: ${partitions}\n`;
      const sorts = latenessMs !== undefined && !/^order:/m.test(text) && /^ {2}- (rate_of_change|delta|arithmetic):/m.test(text);
      await writeFile(
        join(folder, 'pipelines', name),
        sorts ? `${counted}order: { event: { lateness_ms: ${latenessMs} } }\n` : counted,
      );
    }
    for (const [name, text] of Object.entries(this.options.sinks ?? {})) await writeFile(join(folder, 'pipelines', name), text);
  }

  /** In one file of `pipelines`, for agents that start from now on. Outputs of before are judged by what stood there before. */
  async changeSink(file: string, change: (text: string) => string): Promise<void> {
    const path = join(this.options.folder, 'pipelines', file);
    const text = await readFile(path, 'utf8');
    const { sinks } = await loadSetup({ config: this.configFile('a0') }, {});
    this.formerSinks.push(...sinks);
    await writeFile(path, change(text));
  }

  isAlive(name: string): boolean {
    return this.#processes.child(name) !== undefined;
  }

  pidOf(name: string): number | undefined {
    return this.#processes.child(name)?.pid;
  }

  get names(): readonly string[] {
    return this.#processes.names;
  }

  configFile(name: string): string {
    return join(this.options.folder, `agent-${name}.yaml`);
  }

  /** `crashAt`: where it dies by itself. */
  async start(name: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.#writeConfig(name);
    this.#processes.start(name, this.configFile(name), { CEILOGRAPH_LOG_LEVEL: 'info', ...this.options.env?.(name), ...env });
  }

  /** The process is gone when this resolves; one that was gone already is no fault here. */
  kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#processes.kill(name, signal);
  }

  /** SIGSTOP, SIGCONT. */
  signal(name: string, signal: NodeJS.Signals): void {
    this.#processes.signal(name, signal);
  }

  async died(name: string): Promise<void> {
    const child = this.#processes.child(name);
    if (child !== undefined && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  async stopAll(): Promise<void> {
    await this.#processes.stopAll('SIGTERM');
  }

  async close(): Promise<void> {
    for (const name of this.names) this.#processes.signal(name, 'SIGCONT');
    await this.#processes.stopAll('SIGKILL');
  }

  /** What `ceilograph status --json` says, asked with the configuration of `name`. */
  async status(name: string): Promise<ClusterView> {
    await this.#writeConfig(name);
    const args = [main, 'status', '-c', this.configFile(name), '--json'];
    const asked = promisify(execFile)(process.execPath, args, { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
    return JSON.parse((await asked).stdout) as ClusterView;
  }

  /** `ceilograph …` with the configuration of `name`; killed after `killAfterMs`. What it said, and how it ended. */
  async run(
    name: string,
    args: readonly string[],
    killAfterMs?: number,
  ): Promise<{ readonly code: number | null; readonly text: string }> {
    await this.#writeConfig(name);
    const child = spawn(process.execPath, [main, ...args, '-c', this.configFile(name)]);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += String(data)));
    const kill = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(kill);
    return { code, text };
  }

  async log(name: string): Promise<string> {
    return readFile(join(this.options.folder, `${name}.log`), 'utf8').catch(() => '');
  }

  async #writeConfig(name: string): Promise<void> {
    const { servers, cluster, timing = usualTiming, prefetch = 500, recovery = 'refuse' } = this.options;
    const several = servers.nodes.length > 1;
    const amqp = several ? servers.nodes.map(({ url }) => url) : (this.options.amqpUrl?.(name) ?? servers.rabbitmq.url);
    const input = several ? amqp : (this.options.inputUrl?.(name) ?? amqp);
    const direct = this.options.redisUrl?.(name) ?? servers.redis.url;
    const through = servers.sentinels === undefined ? {} : { sentinels: { hosts: servers.sentinels.hosts } };
    await writeFile(join(this.options.folder, 'redis-password'), servers.password);
    const config = {
      cluster,
      data_dir: `data-${name}`,
      pipelines: 'pipelines',
      coordination: {
        redis: {
          url: servers.sentinels?.url ?? direct,
          ...through,
          acl_user: servers.user,
          password_file: 'redis-password',
          recovery,
          accept_loss: recovery === 'empty',
        },
        keys_file: 'keys.yaml',
      },
      topics: this.options.kafka === undefined ? { amqp: { url: amqp } } : { kafka: { brokers: this.options.kafka } },
      inputs: this.options.withoutInputs?.includes(name)
        ? []
        : [{ amqp: { url: input, exchanges: [exchange], priorities: ['info'], durable: true, quorum: several, prefetch } }],
      ...this.options.settings,
    };
    await writeFile(this.configFile(name), `${JSON.stringify(config).slice(0, -1)}, "timing": { ${timing} } }\n`);
  }
}
