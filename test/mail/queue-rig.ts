import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/lib/clock.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { AcceptedMails, MailDraft, MailServer } from '../../src/model/mail.ts';
import {
  type DeadMail,
  MailQueue,
  type MailQueueConfig,
  type MailQueueOptions,
} from '../../src/services/mail-queue/mail-queue.ts';
import type { EventName } from '../../src/telemetry/events.ts';

export interface Told {
  readonly name: EventName;
  readonly facts: Readonly<Record<string, unknown>>;
}

export function draft(key: string, more: Partial<MailDraft> = {}): MailDraft {
  return {
    key,
    sink: 'sink',
    route: 'route',
    to: ['a@test.example'],
    subject: `subject ${key}`,
    text: `text of ${key}\n`,
    html: null,
    attachments: [],
    at: Date.parse('2026-01-01T00:00:00Z'),
    incident: null,
    lifetimeMs: 4 * 86_400_000,
    rate: null,
    collect: null,
    isReport: false,
    ...more,
  };
}

export function server(port: number, more: Partial<MailServer> = {}): MailServer {
  return {
    name: `s${port}`,
    host: '127.0.0.1',
    port,
    tls: 'off',
    tlsFiles: undefined,
    user: null,
    passwordFile: null,
    tokenFile: null,
    sessions: 2,
    ...more,
  };
}

export interface RigOptions extends Partial<Omit<MailQueueConfig, 'servers'>> {
  readonly clock?: Clock;
  readonly owner?: string;
  readonly isAlive?: (owner: string) => boolean;
  readonly beforeTransaction?: () => Promise<void> | void;
  readonly random?: () => number;
  readonly acceptedMails?: AcceptedMails;
  readonly bury?: (letter: DeadMail) => Promise<void>;
}

/** A queue on a folder of its own, with what it told and what it gave up. */
export class QueueRig {
  readonly told: Told[] = [];
  readonly letters: DeadMail[] = [];
  readonly queue: MailQueue;
  readonly directory: string;
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();
  readonly #keep: boolean;
  #running: Promise<void> | null = null;

  private constructor(queue: MailQueue, directory: string, told: Told[], letters: DeadMail[], keep: boolean) {
    this.queue = queue;
    this.directory = directory;
    this.told = told;
    this.letters = letters;
    this.#keep = keep;
  }

  static async open(servers: readonly MailServer[], options: RigOptions = {}): Promise<QueueRig> {
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'mail-queue-')));
    const told: Told[] = [];
    const letters: DeadMail[] = [];
    const { clock = systemClock, owner, isAlive, beforeTransaction, random, acceptedMails, bury, ...config } = options;
    const queueOptions: MailQueueOptions = {
      config: {
        directory,
        from: 'Ceilograph <cg@test.example>',
        hello: 'cg.test.example',
        dkim: null,
        servers,
        caps: { deliveries: 100_000, bytes: 2 ** 30 },
        onUncertain: 'retry',
        window: 50,
        ...config,
      },
      clock,
      random: random ?? (() => 0.5),
      emit: (name, facts) => void told.push({ name, facts }),
      bury: bury ?? (async (letter) => void letters.push(letter)),
      ...(acceptedMails === undefined ? {} : { acceptedMails }),
      ...(owner === undefined ? {} : { owner }),
      ...(isAlive === undefined ? {} : { isAlive }),
      ...(beforeTransaction === undefined ? {} : { beforeTransaction }),
    };
    return new QueueRig(await MailQueue.open(queueOptions), directory, told, letters, options.directory !== undefined);
  }

  start(): void {
    this.#running = this.queue.run({ soft: this.#soft.signal, hard: this.#hard.signal });
    this.#running.catch((error: unknown) => this.told.push({ name: 'loop:ended', facts: { error } }));
  }

  accept(...drafts: MailDraft[]): Promise<void> {
    return this.queue.accept(drafts, { signal: new AbortController().signal, afterAttempt: false });
  }

  names(): string[] {
    return this.told.map(({ name }) => name);
  }

  count(name: EventName): number {
    return this.told.filter((one) => one.name === name).length;
  }

  async stop(how: 'soft' | 'hard' = 'soft'): Promise<void> {
    (how === 'soft' ? this.#soft : this.#hard).abort(new Error('stop'));
    await this.#running?.catch(() => undefined); // it was told already
    this.#hard.abort(new Error('stop'));
    await this.queue.close();
    if (!this.#keep) await rm(this.directory, { recursive: true, force: true });
  }
}
