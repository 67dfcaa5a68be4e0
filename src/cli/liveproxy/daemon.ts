import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { CliFailure } from '../failure.ts';

/** Tells the program that it is the one in the background. */
export const daemonVariable = 'CEILOGRAPH_LIVEPROXY_DAEMON';
const patienceMs = 60_000;

type Told = { readonly ready: true } | { readonly failed: string };

/**
 * Starts this program again in a session of its own, with nothing of our terminal, and waits until it says that its sockets are open.
 * What it says before its log is open goes to the log as well.
 */
export async function daemonize(logFile: string): Promise<number> {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a', 0o640);
  const args = process.argv.slice(1).filter((argument) => argument !== '--daemon');
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, [daemonVariable]: '1' },
  });
  closeSync(log);
  const told = await new Promise<Told>((resolve) => {
    child.once('message', (message) => resolve(message as Told));
    child.once('error', (error) => resolve({ failed: error.message }));
    child.once('exit', (code) => resolve({ failed: `it ended with ${code}; see ${logFile}` }));
    setTimeout(() => resolve({ failed: `it was not ready within ${patienceMs / 1000} s; see ${logFile}` }), patienceMs).unref();
  });
  if ('failed' in told) throw new CliFailure(`liveproxy has not started: ${told.failed}`);
  child.disconnect();
  child.unref();
  return child.pid as number;
}

/** From the background to the one who waits for it. */
export function tellParent(message: Told): Promise<void> {
  if (process.send === undefined) return Promise.resolve();
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}
