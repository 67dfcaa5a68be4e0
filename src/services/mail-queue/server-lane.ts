import {
  type Admission,
  askServer,
  type CooldownPolicy,
  probeAbandoned,
  type ServerHealth,
  serverFailed,
  well,
} from '../../core/mail/server-health.ts';
import type { MailServer } from '../../model/mail.ts';
import type { DeliveryKey, DeliveryRecord, MailRecord } from './records.ts';

/** A transaction to be done, and what this cycle has tried before. */
export interface Task {
  readonly seq: number;
  readonly mail: MailRecord;
  readonly recipients: readonly { readonly key: DeliveryKey; readonly delivery: DeliveryRecord }[];
  /** Names of servers that this cycle has had an answer of. */
  readonly tried: readonly string[];
  /** Without extensions: a server did not understand us. */
  readonly isPlain: boolean;
}

/** A server that does not get on for so long lets the next one help. */
const slowMs = 10_000;

/** One server as the delivery sees it: how it is, what is under way, what was handed to it in the middle of a cycle. */
export class ServerLane {
  readonly config: MailServer;
  readonly #cooldown: CooldownPolicy;
  health: ServerHealth = well;
  sessions = 0;
  /** Sessions that have not taken anything yet: what is due may be theirs. */
  opening = 0;
  /** From another server, in the same cycle. */
  readonly handed: Task[] = [];
  lastReply: string | null = null;
  lastReplyAt: number | null = null;
  alarm: string | null = null;
  delivered = 0;
  /** When the sessions that are at work began what they do now. */
  readonly #busy = new Map<object, number>();
  #wake: (() => void)[] = [];

  constructor(config: MailServer, cooldown: CooldownPolicy) {
    this.config = config;
    this.#cooldown = cooldown;
  }

  get name(): string {
    return this.config.name;
  }

  ask(now: number): Admission {
    return askServer(this.health, now);
  }

  /** Can a cycle go on here? */
  isAtHand(now: number): boolean {
    return this.ask(now).kind === 'open';
  }

  isSlow(now: number): boolean {
    return this.sessions >= this.config.sessions && [...this.#busy.values()].every((since) => now - since > slowMs);
  }

  isBusy(session: object, since: number | null): void {
    if (since === null) this.#busy.delete(session);
    else this.#busy.set(session, since);
  }

  /** Returns whether it was not well before. */
  works(): boolean {
    const was = this.health;
    this.health = well;
    return was.kind !== 'well';
  }

  failed(now: number, how: 'usual' | 'longest'): void {
    this.health = serverFailed(this.health, now, how, this.#cooldown);
  }

  abandonProbe(now: number): void {
    this.health = probeAbandoned(this.health, now);
  }

  /** Another session, open or not yet, could take what is due. */
  get hasRoom(): boolean {
    return this.#wake.length > 0 || this.sessions < this.config.sessions;
  }

  /** An idle session waits here for work, until woken or until `over` resolves. */
  waitForWork(over: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = this.#wake.filter((other) => other !== wake);
        resolve();
      };
      this.#wake.push(wake);
      void over.then(wake);
    });
  }

  wakeOne(): boolean {
    const [wake] = this.#wake;
    wake?.();
    return wake !== undefined;
  }

  wakeAll(): void {
    for (const wake of [...this.#wake]) wake();
  }
}
