import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Tally } from './report.ts';

export const projectDir = fileURLToPath(new URL('../..', import.meta.url));

const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Ran {
  readonly code: number;
  /** What it wrote on stdout; also shown as it came. */
  readonly stdout: string;
}

/**
 * Runs a program in the project's folder without stdin, showing what it says. A signal to us is passed on and awaited, so that the
 * program can stop what it started; nothing is left behind.
 */
export function runProgram(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: projectDir,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    const passOn = (signal: NodeJS.Signals) => child.kill(signal);
    for (const signal of passedOn) process.on(signal, passOn);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      process.stdout.write(text);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const name of passedOn) process.off(name, passOn);
      if (signal !== null) console.error(`${command} ended by ${signal}`);
      resolve({ code: code ?? 1, stdout });
    });
  });
}

/** A program as one check: passed when it exits with 0. */
export async function programCheck(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Tally> {
  const { code } = await runProgram(command, args, env);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}
