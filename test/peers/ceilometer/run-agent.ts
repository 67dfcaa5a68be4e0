import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectDir } from '../../run/program.ts';
import { cpuSecondsOf } from './process-cost.ts';

/** An agent under way, theirs or ours. */
export class RunningAgent {
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.#ended = once(child, 'exit');
  }

  static theirs(environment: string, dir: string): RunningAgent {
    const script = join(environment, 'bin/ceilometer-agent-notification');
    const log = openSync(join(dir, 'stdio.log'), 'a');
    const args = ['-W', 'ignore', script, '--config-file', join(dir, 'ceilometer.conf')];
    return new RunningAgent(spawn(join(environment, 'bin/python'), args, { stdio: ['ignore', log, log] }));
  }

  static ours(dir: string, dataDir: string, env: NodeJS.ProcessEnv = {}): RunningAgent {
    const log = openSync(`${dataDir}.log`, 'a');
    const args = [join(projectDir, 'dist/cli/main.js'), 'agent', '--ceilometer', dir, '--data-dir', dataDir];
    return new RunningAgent(spawn('node', args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } }));
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  cpuSeconds(): Promise<number> {
    return cpuSecondsOf(this.child.pid ?? 0);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.hasEnded) this.child.kill(signal);
    const late = setTimeout(() => this.child.kill('SIGKILL'), 30_000);
    await this.#ended;
    clearTimeout(late);
  }
}

export interface Progress {
  readonly counts: readonly number[];
  /** Until the last line appeared. */
  readonly cpuSeconds: number;
}

/** Watches files grow until `done` says so, or nothing has come for `quietMs` after something did. */
export async function watchLines(
  agent: RunningAgent,
  files: readonly string[],
  done: (counts: readonly number[]) => boolean,
  { quietMs, mostMs }: { readonly quietMs: number; readonly mostMs: number },
): Promise<Progress> {
  const started = performance.now();
  let counts: readonly number[] = files.map(() => 0);
  let changed = started;
  let cpuSeconds = 0;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const now = performance.now();
    const found = await Promise.all(files.map(countLines));
    if (found.some((count, i) => count !== counts[i])) {
      counts = found;
      changed = now;
      cpuSeconds = await agent.cpuSeconds();
    }
    if (done(counts)) return { counts, cpuSeconds };
    if (counts.some((count) => count > 0) && now - changed > quietMs) return { counts, cpuSeconds };
    if (agent.hasEnded || now - started > mostMs)
      throw new Error(`${agent.hasEnded ? 'the agent has ended' : 'too late'}: ${counts}`);
  }
}

async function countLines(file: string): Promise<number> {
  const text = await readFile(file).catch(() => Buffer.alloc(0)); // not there yet
  let count = 0;
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) count += 1;
  return count;
}
