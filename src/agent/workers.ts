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
}

export const workerIndexVariable = 'CEILOGRAPH_WORKER_INDEX';
const stableAfterMs = 30_000;

export async function runWorkers(options: WorkersOptions, stop: AbortSignal): Promise<void> {
  await Promise.all(Array.from({ length: options.count }, (_, index) => keepAlive(options, index, stop)));
}

async function keepAlive(options: WorkersOptions, index: number, stop: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stop.aborted) {
    const startedAt = options.clock.monotonic();
    const child = fork(options.entry, [...options.argv], { env: { ...process.env, [workerIndexVariable]: String(index) } });
    const code = await watch(options, child, stop);
    if (stop.aborted) return;
    failures = options.clock.monotonic() - startedAt > stableAfterMs ? 0 : failures + 1;
    const retryInMs = Math.min(250 * 2 ** failures, 30_000);
    options.emit('worker-process:ended', { index, code: String(code), retryInMs });
    await options.clock.sleep(retryInMs, stop).catch(() => undefined);
  }
}

async function watch(options: WorkersOptions, child: ChildProcess, stop: AbortSignal): Promise<number | NodeJS.Signals | null> {
  let heardAt = options.clock.monotonic();
  child.on('message', () => {
    heardAt = options.clock.monotonic();
  });
  const onStop = () => child.kill('SIGTERM');
  stop.addEventListener('abort', onStop, { once: true });
  const over = new AbortController();
  const silence = (async () => {
    while (!over.signal.aborted) {
      await options.clock.sleep(1_000, over.signal).catch(() => undefined);
      if (options.clock.monotonic() - heardAt > options.silentMs) child.kill('SIGKILL');
    }
  })();
  const code = await new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('exit', (exit, signal) => resolve(exit ?? signal)),
  );
  over.abort(new Error('ended'));
  await silence;
  stop.removeEventListener('abort', onStop);
  return code;
}

/** Called in a worker: tells the parent once a second that its event loop turns. Not told: it is stuck, or the parent is gone. */
export async function reportAlive(clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && process.send !== undefined && process.connected) {
    process.send('alive');
    await clock.sleep(1_000, signal).catch(() => undefined);
  }
}
