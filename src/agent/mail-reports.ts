import { failedMailEvent } from '../core/mail/routes.ts';
import type { Delivery, Input, InputContext, InputKind } from '../inputs/input.ts';
import { linkedAbort } from '../lib/linked-abort.ts';
import type { FailureRecord, MailStore } from '../services/mail-queue/mail-store.ts';

const lookMs = 1_000;
const atOnce = 100;

/**
 * Mails that were given up, as notifications into our own pipelines: event `mail.failed`. They stand in the queue's file until they are
 * settled, so each comes at least once, under the same id.
 */
export function mailReports(store: MailStore, isDeliverer: () => boolean): InputKind<null> {
  return {
    name: 'mail-reports',
    summary: 'Mails that were given up.',
    open: async (_parameters, context) => new MailReports(store, isDeliverer, context),
  };
}

class MailReports implements Input {
  readonly #store: MailStore;
  readonly #isDeliverer: () => boolean;
  readonly #context: InputContext;
  /** Given to the listener and not settled. */
  readonly #outstanding = new Set<number>();
  #settled: number[] = [];

  constructor(store: MailStore, isDeliverer: () => boolean, context: InputContext) {
    this.#store = store;
    this.#isDeliverer = isDeliverer;
    this.#context = context;
  }

  async run(): Promise<void> {
    const { clock, soft, hard, deliver } = this.#context;
    const leaving = linkedAbort(soft, hard);
    const either = leaving.signal;
    while (!either.aborted) {
      await this.#forget();
      const found = this.#isDeliverer() ? this.#store.failures(0, atOnce) : [];
      const fresh = found.filter(({ number }) => !this.#outstanding.has(number));
      for (const { number } of fresh) this.#outstanding.add(number);
      if (fresh.length > 0) await deliver(fresh.map(({ number, failure }) => this.#toDelivery(number, failure)));
      await clock.sleep(lookMs, either).catch(() => undefined); // we leave
    }
    leaving.release();
    while (this.#outstanding.size > 0 && !hard.aborted) {
      await this.#forget();
      await clock.sleep(10, hard).catch(() => undefined); // we leave at once
    }
    await this.#forget();
  }

  async prove(): Promise<void> {
    await this.#forget();
  }

  async sendCanary(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {}

  #toDelivery(number: number, failure: FailureRecord): Delivery {
    let isOver = false;
    const end = (isSettled: boolean) => () => {
      if (isOver) return;
      isOver = true;
      this.#outstanding.delete(number);
      if (isSettled) this.#settled.push(number);
    };
    return {
      body: new TextEncoder().encode(JSON.stringify(toNotification(failure))),
      origin: 'mail queue',
      priority: undefined,
      redelivered: false,
      settle: end(true),
      giveBack: end(false),
    };
  }

  async #forget(): Promise<void> {
    const settled = this.#settled.splice(0);
    if (settled.length === 0) return;
    try {
      await this.#store.forgetFailures(settled);
    } catch (error) {
      this.#settled.push(...settled); // a full disk; they come again under the same id if we end before it has room
      if (this.#context.hard.aborted) throw error;
    }
  }
}

function toNotification(failure: FailureRecord): object {
  const { id, reason, at, recipient, subject, messageId, sink, server, said, attempts } = failure;
  return {
    message_id: `mail.failed/${id}/${at}`,
    publisher_id: 'mail.ceilograph',
    event_type: failedMailEvent,
    priority: 'ERROR',
    timestamp: new Date(at).toISOString().replace('T', ' ').replace('Z', '000'),
    payload: { reason, recipient, subject, mail: messageId, sink, server, said, attempts },
  };
}
