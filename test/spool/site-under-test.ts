import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SpoolerEvent } from '../../src/services/spooler/spooler.ts';
import { until } from '../unit/spool/rig.ts';

const script = fileURLToPath(new URL('site-process.ts', import.meta.url));

/** A spooler in a process of its own. */
export class SiteProcess {
  readonly events: { readonly event: SpoolerEvent; readonly at: number }[] = [];
  readonly #child: ChildProcess;

  constructor(dataDir: string, settings: object) {
    const args = [JSON.stringify({ dataDir, settings })];
    this.#child = fork(script, args, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (event) => this.events.push({ event: event as SpoolerEvent, at: performance.now() }));
  }

  async port(): Promise<number> {
    const { event } = await until(() => this.events.find((each) => each.event.kind === 'listening'), 60_000);
    return event.kind === 'listening' ? Number(event.address.split(':').at(-1)) : 0;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
