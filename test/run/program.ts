import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Interrupted, type Tally } from './report.ts';

export const projectDir = fileURLToPath(new URL('../..', import.meta.url));

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Nothing that a runner starts may take longer; what hangs is ended and counts as failed. */
const limitMs = 15 * 60_000;
const graceMs = 20_000;

export interface Ran {
  readonly code: number;
  /** What it wrote on stdout; also shown as it came. */
  readonly stdout: string;
}

/**
 * Runs a program in the project's folder without stdin, showing what it says. It gets a process group of its own: a signal to us is
 * passed on and awaited, so that it can stop what it started, and whatever of its group is left at its end is killed (a test that
 * turns in circles outlives its runner otherwise, and holds its output open).
 */
export function runProgram(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  withinMs = limitMs,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: projectDir,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    let stdout = '';
    let killing: NodeJS.Timeout | undefined;
    let interruptedBy: NodeJS.Signals | null = null;
    const end = (signal: NodeJS.Signals) => {
      signalGroup(child, signal);
      killing ??= setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
    };
    const limit = setTimeout(() => {
      console.error(`${command} took longer than ${withinMs / 1_000} s and is ended`);
      end('SIGTERM');
    }, withinMs);
    const interrupt = (signal: NodeJS.Signals) => {
      interruptedBy = signal;
      end(signal);
    };
    for (const signal of passedOn) process.on(signal, interrupt);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      process.stdout.write(text);
    });
    child.on('error', reject);
    child.on('exit', () => signalGroup(child, 'SIGKILL'));
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      clearTimeout(killing);
      for (const name of passedOn) process.off(name, interrupt);
      if (signal !== null) console.error(`${command} ended by ${signal}`);
      if (interruptedBy !== null) reject(new Interrupted(interruptedBy));
      else resolve({ code: code ?? 1, stdout });
    });
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // The group is gone already, which is what we want.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A program as one check: passed when it exits with 0. */
export async function programCheck(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Tally> {
  const { code } = await runProgram(command, args, env);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** What a program says on stdout; rejects when it does not exit with 0. */
export async function runQuietly(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd: projectDir, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
