import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { amqpUrl } from '../../services/with-services.ts';
import { requirements, virtualEnvironment } from '../python/virtual-environment.ts';

/** What a service of OpenStack says. */
export interface OsloNotification {
  /** The service's `control_exchange`. */
  readonly exchange: string;
  /** Of the message: 1 has no envelope (driver `messaging`), 2 has one (`messagingv2`). */
  readonly version: 1 | 2;
  readonly priority: 'info' | 'error' | 'sample';
  readonly publisher_id: string;
  readonly event_type: string;
  /** Arguments of oslo.context's RequestContext. */
  readonly ctxt: Readonly<Record<string, string>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** A Python process with oslo.messaging that notifies one after the other: their order is the order in the queue. */
export class OsloNotifier {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #stderr = '';
  #asked = 0;
  #wake: () => void = () => {};
  /** Confirmed by the broker. */
  sent = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = once(child, 'close').then(() => this.#wake());
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    // Writing to a process that ended: `send` says so, with what it left on stderr.
    child.stdin?.on('error', () => undefined);
    if (child.stdout === null) throw new Error('no stdout');
    createInterface({ input: child.stdout }).on('line', () => {
      this.sent += 1;
      this.#wake();
    });
  }

  static async start(topic: string): Promise<OsloNotifier> {
    const script = fileURLToPath(new URL('notify.py', import.meta.url));
    // oslo.messaging knows the scheme `rabbit`, not `amqp`.
    const url = (await amqpUrl()).replace(/^amqp:/, 'rabbit:');
    return new OsloNotifier(
      spawn(join(await virtualEnvironment(requirements.oslo), 'bin/python'), [script, url, topic], { stdio: 'pipe' }),
    );
  }

  /** Resolves once the broker has confirmed all of them. */
  async send(notifications: readonly OsloNotification[]): Promise<void> {
    this.#asked += notifications.length;
    const asked = this.#asked;
    this.#child.stdin?.write(notifications.map((notification) => `${JSON.stringify(notification)}\n`).join(''));
    while (this.sent < asked) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`the notifier ended after ${this.sent} of ${asked}: ${this.#stderr}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.#ended;
    clearTimeout(late);
  }
}
