import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ClusterView } from '../../src/agent/cluster-view.ts';
import { AgentProcesses } from '../../src/cli/demo/agents.ts';
import { projectDir } from '../run/program.ts';

const main = join(projectDir, 'dist/cli/main.js');
export const cluster = 'faults';
const name = 'agent';

/** `ceilograph agent`, compiled, in a folder of its own: killed, started again, asked how it is. One at a time. */
export class AgentUnderTest {
  readonly outputs: string;
  readonly configFile: string;
  readonly #folder: string;
  readonly #processes: AgentProcesses;
  #pid: number | undefined;

  private constructor(folder: string) {
    this.#folder = folder;
    this.outputs = join(folder, 'out');
    this.configFile = join(folder, 'agent.yaml');
    this.#processes = new AgentProcesses(folder, main);
  }

  /** `input`: one input, as YAML. `pipelines`: the folder of the sinks, else those of the fault tests. */
  static async prepare(folder: string, input: string, pipelines = fileURLToPath(new URL('pipelines', import.meta.url))) {
    const agent = new AgentUnderTest(folder);
    // A short lease: a killed agent's partitions stay with nobody until it has run out.
    const lines = [
      `cluster: ${cluster}`,
      'data_dir: data',
      `pipelines: ${JSON.stringify(pipelines)}`,
      `inputs:\n  - ${input}`,
      'timing: { lease_ttl_ms: 900, renew_ms: 300, heartbeat_ms: 200, linger_ms: 20, rejoin_grace_ms: 0 }',
    ];
    await writeFile(agent.configFile, `${lines.join('\n')}\n`);
    return agent;
  }

  /** `crashAt`: the named place, and which time there, where it dies by itself. */
  start(crashAt?: string): ChildProcess {
    const env = crashAt === undefined ? {} : { CEILOGRAPH_CRASH_AT: crashAt };
    const child = this.#processes.start(name, this.configFile, env);
    this.#pid = child.pid;
    return child;
  }

  /** SIGKILL; resolves when the process is gone. Throws when it was gone already: it was not to die by itself. */
  async kill(): Promise<void> {
    await this.#mustRun();
    await this.#processes.kill(name, 'SIGKILL');
  }

  /** An orderly end. */
  async stop(): Promise<void> {
    await this.#mustRun();
    await this.#processes.kill(name, 'SIGTERM');
  }

  /** Starts it to die at a named place, and waits until it did. */
  async dieAt(crashAt: string, withinMs: number): Promise<void> {
    const died = once(this.start(crashAt), 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const [code, signal] = await Promise.race([died, late(withinMs, `the agent did not come to ${crashAt}`)]);
    if (signal !== 'SIGKILL')
      throw new Error(`the agent ended with ${code ?? signal}, not at ${crashAt}: ${await this.#lastWords()}`);
  }

  /** What `ceilograph status --json` says; null before the first agent has made the data directory. */
  async status(): Promise<ClusterView | null> {
    const asked = promisify(execFile)(process.execPath, [main, 'status', '-c', this.configFile, '--json'], { timeout: 30_000 });
    const view = JSON.parse((await asked).stdout) as ClusterView | { readonly error: string };
    return 'error' in view ? null : view;
  }

  /** What the process that runs now counts; null before it has said so. */
  async facts(): Promise<Readonly<Record<string, string>> | null> {
    await this.#mustRun();
    const members = (await this.status())?.members ?? [];
    return members.find((member) => member.pid === this.#pid)?.facts ?? null;
  }

  async #mustRun(): Promise<void> {
    if (this.#processes.names.length === 0) throw new Error(`the agent ended by itself: ${await this.#lastWords()}`);
  }

  async #lastWords(): Promise<string> {
    return (await readFile(join(this.#folder, `${name}.log`), 'utf8').catch(() => 'no log')).slice(-2000);
  }

  async close(): Promise<void> {
    await this.#processes.stopAll('SIGKILL');
  }
}

function late(ms: number, failure: string): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${failure} within ${ms / 1000} s`)), ms).unref();
  });
}
