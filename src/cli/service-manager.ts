import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Clock } from '../lib/clock.ts';

/** systemd gets a sign of life so many times in its time: one that is late is not taken for a death. */
const signsPerLimit = 3;

/**
 * What systemd is told of a unit of `Type=notify`: ready, alive, stopping. Node cannot write to a datagram socket, so its own program
 * `systemd-notify` does; the unit needs `NotifyAccess=all` for it. Where nobody listens (no NOTIFY_SOCKET) nothing is done.
 */
export class ServiceManager {
  readonly #listens: boolean;
  readonly #limitMs: number | null;
  readonly #clock: Clock;

  constructor(environment: NodeJS.ProcessEnv, clock: Clock) {
    this.#clock = clock;
    this.#listens = environment['NOTIFY_SOCKET'] !== undefined;
    const ours = [undefined, String(process.pid)].includes(environment['WATCHDOG_PID']);
    const limit = Number(environment['WATCHDOG_USEC'] ?? 0) / 1000;
    this.#limitMs = this.#listens && ours && limit > 0 ? limit : null;
  }

  /** Rejects where systemd waits for a word that it cannot be given: it would end us after a while, and say nothing of the cause. */
  async ready(): Promise<void> {
    if (this.#listens) await this.#tell('READY=1');
  }

  /** A word that does not get through changes nothing of the stop. */
  async stopping(): Promise<void> {
    if (this.#listens) await this.#tell('STOPPING=1').catch(() => undefined);
  }

  /** Until the signal: says that the event loop turns, where `WatchdogSec=` asks for it. */
  async keepTelling(signal: AbortSignal): Promise<void> {
    while (this.#limitMs !== null && !signal.aborted) {
      // One that fails is followed by the next; when all do, systemd acts as it should.
      await this.#tell('WATCHDOG=1').catch(() => undefined);
      await this.#clock.sleep(this.#limitMs / signsPerLimit, signal).catch(() => undefined); // we leave
    }
  }

  /** `--no-block`: without it the program waits for an answer that an agent in a container never gets. */
  async #tell(word: string): Promise<void> {
    await promisify(execFile)('systemd-notify', ['--no-block', word], { timeout: 10_000 });
  }
}
