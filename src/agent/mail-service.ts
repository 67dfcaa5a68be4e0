import type { MailNow } from '../admin/overview.ts';
import type { InputKind } from '../inputs/input.ts';
import type { MailQueue } from '../services/mail-queue/mail-queue.ts';
import { mailReports } from './mail-reports.ts';
import { type MailParts, openMail } from './open-mail.ts';

/** What operators watch of the queue. */
export interface MailReading {
  readonly states: Readonly<Record<string, number>>;
  readonly digestLines: number;
  readonly bytes: number;
  readonly fill: number;
  readonly oldestSeconds: number;
}

/** The mail queue of an agent and its life: opened before the sinks that write to it, left after them. */
export class MailService {
  readonly queue: MailQueue | null;
  /** Rejects when the delivery has failed. */
  readonly ended: Promise<void>;
  /** Mails that were given up, for the pipelines. */
  readonly reports: InputKind<null> | null;
  readonly #soft = new AbortController();
  readonly #hard = new AbortController();

  private constructor(queue: MailQueue | null) {
    this.queue = queue;
    this.ended = queue === null ? Promise.resolve() : queue.run({ soft: this.#soft.signal, hard: this.#hard.signal });
    this.reports = queue === null ? null : mailReports(queue.store, () => queue.isDeliverer);
    this.ended.catch(() => undefined); // whoever watches has it
  }

  /** `hard`: what is being sent is cut off, too. */
  static async open(parts: MailParts & { readonly hard: AbortSignal }): Promise<MailService> {
    const service = new MailService(await openMail(parts));
    parts.hard.addEventListener('abort', () => service.#hard.abort(new Error('we leave at once')), { once: true });
    return service;
  }

  /** Null where no mail is configured. */
  reading(): (MailReading & Pick<MailNow, 'servers'>) | null {
    if (this.queue === null) return null;
    const { states, digestLines, bytes, oldestAt } = this.queue.operator.stats();
    const oldestSeconds = oldestAt === null ? 0 : Math.max(0, this.queue.now() - oldestAt) / 1000;
    const servers = this.queue.operator.servers().map(({ name, state, alarm }) => ({ name, away: state !== 'well', alarm }));
    return { states, digestLines, bytes, fill: this.queue.fill(), oldestSeconds, servers };
  }

  /** What is being sent is finished, as long as that may take; what waits stays in the file. */
  async leave(): Promise<void> {
    this.#soft.abort(new Error('leaving'));
    await this.ended.catch(() => undefined); // it was told already
  }

  /** At once: what was being sent counts as uncertain at the next start. */
  async close(): Promise<void> {
    this.#hard.abort(new Error('closing'));
    await this.leave();
    await this.queue?.close();
  }
}
