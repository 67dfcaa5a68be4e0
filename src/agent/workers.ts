import { type ChildProcess, fork } from 'node:child_process';
import type { Clock } from '../lib/clock.ts';
import type { Emit } from '../telemetry/events.ts';

/**
 * `--workers N`: a parent that only watches N agent processes on one data directory. A worker that ends is started again, ever
 * later; one that is silent for two lease times is killed, since a stopped process that holds the store's write lock would block
 * the others. The first worker opens the inputs that only one process may open.
 */
export interface WorkersOptions {
  readonly count: number;
  readonly entry: string;
  readonly argv: readonly string[];
  readonly silentMs: number;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Calls what it is given whenever the workers shall load their configuration anew, until the returned function is called. */
  readonly onReload?: (tell: () => void) => () => void;
}

/** `soft`: the workers drain. `hard`: they are killed. */
export interface WorkersStop {
  readonly soft: AbortSignal;
  readonly hard: AbortSignal;
}

export const workerIndexVariable = 'CEILOGRAPH_WORKER_INDEX';
/**
 * How a worker is told to drain. Not by a signal: Ctrl-C and a service manager may signal the whole group, and a worker takes its second
 * signal for "leave at once".
 */
const leaveMessage = 'leave';
const reloadMessage = 'reload';
const stableAfterMs = 30_000;

/** Ends once every worker has ended after `soft`. */
export async function runWorkers(options: WorkersOptions, stop: WorkersStop): Promise<void> {
  await Promise.all(Array.from({ length: options.count }, (_, index) => keepAlive(options, index, stop)));
}

async function keepAlive(options: WorkersOptions, index: number, stop: WorkersStop): Promise<void> {
  let failures = 0;
  while (!stop.soft.aborted) {
    const startedAt = options.clock.monotonic();
    const child = fork(options.entry, [...options.argv], { env: { ...process.env, [workerIndexVariable]: String(index) } });
    const code = await watch(options, child, stop);
    if (stop.soft.aborted) return;
    failures = options.clock.monotonic() - startedAt > stableAfterMs ? 0 : failures + 1;
    const retryInMs = Math.min(250 * 2 ** failures, 30_000);
    options.emit('worker-process:ended', { index, code: String(code), retryInMs });
    await options.clock.sleep(retryInMs, stop.soft).catch(() => undefined);
  }
}

type Exit = number | NodeJS.Signals | 'not started' | null;

async function watch(options: WorkersOptions, child: ChildProcess, stop: WorkersStop): Promise<Exit> {
  let heardAt = options.clock.monotonic();
  child.on('message', () => {
    heardAt = options.clock.monotonic();
  });
  const onSoft = () => tellToLeave(child);
  const onHard = () => child.kill('SIGKILL');
  stop.soft.addEventListener('abort', onSoft, { once: true });
  stop.hard.addEventListener('abort', onHard, { once: true });
  const noReloads = options.onReload?.(() => void (child.connected && child.send(reloadMessage, () => undefined))); // it has ended: the next one loads
  const over = new AbortController();
  const silence = (async () => {
    while (!over.signal.aborted) {
      await options.clock.sleep(1_000, over.signal).catch(() => undefined);
      if (options.clock.monotonic() - heardAt > options.silentMs) child.kill('SIGKILL');
    }
  })();
  const code = await new Promise<Exit>((resolve) => {
    child.once('exit', (exit, signal) => resolve(exit ?? signal));
    // No process could be made: there will be no exit. Any other error is told by the exit.
    child.once('error', () => child.pid === undefined && resolve('not started'));
  });
  over.abort(new Error('ended'));
  await silence;
  noReloads?.();
  stop.soft.removeEventListener('abort', onSoft);
  stop.hard.removeEventListener('abort', onHard);
  return code;
}

function tellToLeave(child: ChildProcess): void {
  if (!child.connected) return void child.kill('SIGTERM');
  child.send(leaveMessage, (error) => {
    if (error !== null) child.kill('SIGTERM');
  });
}

/** In a worker: resolves when the parent says so, or is gone. */
export function parentLeaves(): Promise<string> {
  return new Promise((resolve) => {
    process.on('message', (message) => {
      if (message === leaveMessage) resolve('the parent leaves');
    });
    process.once('disconnect', () => resolve('the parent is gone'));
  });
}

/** In a worker: calls it whenever the parent says so. */
export function onReloadOfParent(reload: () => void): void {
  process.on('message', (message) => {
    if (message === reloadMessage) reload();
  });
}

/** Called in a worker: tells the parent once a second that its event loop turns. Not told: it is stuck, or the parent is gone. */
export async function reportAlive(clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && process.send !== undefined && process.connected) {
    process.send('alive');
    await clock.sleep(1_000, signal).catch(() => undefined);
  }
}
