import type { FailureReason } from '../../core/mail/outcome.ts';
import type { Ledger } from './ledger.ts';
import type { MailFile } from './mail-file.ts';
import type { DeliveryKey, DeliveryRecord, MailRecord } from './records.ts';
import { beingSent, changeDelivery, dueKeys, getDelivery, getMail, removeDelivery } from './rows.ts';

/** One transaction of SMTP: a mail and some of its recipients. They are marked as being sent. */
export interface Job {
  readonly seq: number;
  readonly mail: MailRecord;
  readonly recipients: readonly { readonly key: DeliveryKey; readonly delivery: DeliveryRecord }[];
}

/** What became of one recipient in a session, to be written down. */
export interface Settlement {
  readonly key: DeliveryKey;
  readonly server: string | null;
  readonly said: string | null;
  readonly what:
    | { readonly kind: 'delivered' }
    | { readonly kind: 'later'; readonly at: number; readonly isUncertain: boolean }
    | { readonly kind: 'hold'; readonly isUncertain: boolean }
    /** Nothing was tried: as it was, and due. */
    | { readonly kind: 'returned' }
    | { readonly kind: 'failed'; readonly reason: FailureReason };
}

const recipientsAtOnce = 50;
/** A mail that may have arrived waits so long for its own server beyond its pause; then a double is better than none. */
const loyalMs = 300_000;
const loyalPauseMs = 30_000;

/** What the delivery does to the queue's file. Each function is one transaction. */
export class MailStore {
  readonly #file: MailFile;

  constructor(file: MailFile) {
    this.#file = file;
  }

  /**
   * Up to `limit` recipients that are due, marked as being sent by `server` before anything is: a crash leaves them so. The outcomes of
   * what the session sent before are written down with it, so that one flush serves both.
   */
  take(server: string, now: number, limit: number, outcomes: readonly Settlement[]): Promise<Job[]> {
    return this.#file.transact((ledger) => {
      const jobs: { seq: number; mail: MailRecord; recipients: { key: DeliveryKey; delivery: DeliveryRecord }[] }[] = [];
      this.#settle(ledger, outcomes, now);
      for (const { at, key } of dueKeys(this.#file, 0, now, limit)) {
        const old = getDelivery(this.#file, key);
        const mail = getMail(this.#file, key[0]);
        if (old === null || mail === null) {
          this.#file.due.remove([at, ...key]);
          continue;
        }
        if (old.state === 'uncertain' && old.server !== server && now < old.loyalUntil) {
          const nextAt = Math.min(now + loyalPauseMs, old.loyalUntil);
          changeDelivery(this.#file, ledger, key, old, { state: 'uncertain', nextAt });
          continue;
        }
        const delivery = changeDelivery(this.#file, ledger, key, old, { state: 'sending', server, attempts: old.attempts + 1 });
        const last = jobs[jobs.length - 1];
        if (last?.seq === key[0] && last.recipients.length < recipientsAtOnce) last.recipients.push({ key, delivery });
        else jobs.push({ seq: key[0], mail, recipients: [{ key, delivery }] });
      }
      return jobs;
    });
  }

  /** The bytes of a mail, null when nothing of it stands any more. */
  body(seq: number): Uint8Array | null {
    return this.#file.bodies.get(seq) ?? null;
  }

  settle(outcomes: readonly Settlement[], now: number): Promise<void> {
    return this.#file.transact((ledger) => this.#settle(ledger, outcomes, now));
  }

  #settle(ledger: Ledger, outcomes: readonly Settlement[], now: number): void {
    ledger.reached(now);
    for (const { key, server, said, what } of outcomes) {
      const found = getDelivery(this.#file, key);
      if (found === null || found.state !== 'sending') continue; // an operator dropped it meanwhile
      const old = { ...found, server: server ?? found.server, said: said ?? found.said };
      switch (what.kind) {
        case 'delivered':
          removeDelivery(this.#file, ledger, key, old, 'delivered', now);
          break;
        case 'failed':
          this.#tell(ledger.number(), key, old, what.reason, now);
          removeDelivery(this.#file, ledger, key, old, 'failed', now);
          break;
        case 'later':
        case 'hold':
          if (what.isUncertain) ledger.add('uncertain');
          if (what.kind === 'hold' || old.holdNext)
            changeDelivery(this.#file, ledger, key, old, { state: 'held', holdNext: false });
          else
            changeDelivery(this.#file, ledger, key, old, {
              state: what.isUncertain ? 'uncertain' : 'deferred',
              nextAt: what.at,
              loyalUntil: what.isUncertain ? what.at + loyalMs : 0,
            });
          break;
        case 'returned': {
          const attempts = old.attempts - 1;
          if (old.holdNext) changeDelivery(this.#file, ledger, key, old, { state: 'held', attempts, holdNext: false });
          else changeDelivery(this.#file, ledger, key, old, { state: 'queued', attempts, nextAt: Math.min(old.nextAt, now) });
          break;
        }
      }
    }
  }

  /** Another, shorter text for a mail that no server takes as it is; everything else stays. */
  replaceBody(seq: number, bytes: Uint8Array, now: number): Promise<void> {
    return this.#file.transact((ledger) => {
      const mail = getMail(this.#file, seq);
      if (mail === null) return;
      ledger.reached(now);
      ledger.add('bytes', bytes.length - mail.bytes);
      this.#file.bodies.put(seq, bytes);
      this.#file.mails.put(
        seq,
        JSON.stringify({ ...mail, bytes: bytes.length, isCut: true, eightBit: bytes.some((byte) => byte > 127) }),
      );
    });
  }

  /**
   * What the process before us was sending when it ended may have arrived. In one transaction a hundred, so that others who write here
   * need not wait. Returns how many there were.
   */
  async recover(now: number, onUncertain: 'retry' | 'hold'): Promise<number> {
    let found = 0;
    for (;;) {
      const moved = await this.#file.transact((ledger) => {
        const keys = dueKeys(this.#file, beingSent, beingSent, 100);
        for (const { at, key } of keys) {
          const old = getDelivery(this.#file, key);
          if (old === null) {
            this.#file.due.remove([at, ...key]);
            continue;
          }
          const isHeld = onUncertain === 'hold' || old.holdNext;
          const said = 'the agent ended while it was being sent';
          changeDelivery(this.#file, ledger, key, old, {
            state: isHeld ? 'held' : 'uncertain',
            nextAt: now,
            said,
            loyalUntil: now + loyalMs,
            holdNext: false,
          });
          ledger.add('uncertain');
        }
        return keys.length;
      });
      found += moved;
      if (moved < 100) return found;
    }
  }

  /** When the next recipient is due: the past means now. Null: none is. */
  nextDue(): number | null {
    this.#file.refresh();
    for (const key of this.#file.due.getKeys({ start: [0], limit: 1 })) return (key as unknown as number[])[0] ?? null;
    return null;
  }

  /** Recipients whose mail is too old, but for those being sent now. */
  expired(
    now: number,
    limit: number,
  ): { readonly key: DeliveryKey; readonly delivery: DeliveryRecord; readonly mail: MailRecord }[] {
    this.#file.refresh();
    const found = [];
    for (const row of this.#file.expiry.getKeys({ end: [now, Number.MAX_SAFE_INTEGER], limit })) {
      const [, seq, index] = row as unknown as [number, number, number];
      const delivery = getDelivery(this.#file, [seq, index]);
      const mail = getMail(this.#file, seq);
      if (delivery !== null && mail !== null && delivery.state !== 'sending')
        found.push({ key: [seq, index] as const, delivery, mail });
    }
    return found;
  }

  expire(keys: readonly DeliveryKey[], now: number): Promise<void> {
    return this.#file.transact((ledger) => {
      ledger.reached(now);
      for (const key of keys) {
        const delivery = getDelivery(this.#file, key);
        if (delivery === null || delivery.state === 'sending') continue;
        this.#tell(ledger.number(), key, delivery, 'expired', now);
        removeDelivery(this.#file, ledger, key, delivery, 'failed', now);
      }
    });
  }

  /** For the pipelines: `mail.failed`. Not about a mail that itself told of one, or two bad addresses would write to each other for ever. */
  #tell(number: number, key: DeliveryKey, delivery: DeliveryRecord, reason: FailureReason, now: number): void {
    const mail = getMail(this.#file, key[0]);
    if (mail === null || mail.isReport) return;
    const failure: FailureRecord = {
      id: `${mail.key}/${delivery.to}`,
      reason,
      at: now,
      recipient: delivery.to,
      subject: mail.subject,
      messageId: mail.messageId,
      sink: mail.sink,
      server: delivery.server,
      said: delivery.said,
      attempts: delivery.attempts,
    };
    this.#file.failures.put(number, JSON.stringify(failure));
  }

  failures(after: number, limit: number): { readonly number: number; readonly failure: FailureRecord }[] {
    this.#file.refresh();
    return [...this.#file.failures.getRange({ start: after + 1, limit })].map(({ key, value }) => ({
      number: Number(key),
      failure: JSON.parse(value) as FailureRecord,
    }));
  }

  forgetFailures(numbers: readonly number[]): Promise<void> {
    return this.#file.transact(() => {
      for (const number of numbers) this.#file.failures.remove(number);
    });
  }
}

/** A mail that was given up, as it is told to the pipelines. */
export interface FailureRecord {
  readonly id: string;
  readonly reason: FailureReason;
  readonly at: number;
  readonly recipient: string;
  readonly subject: string;
  readonly messageId: string;
  readonly sink: string;
  readonly server: string | null;
  readonly said: string | null;
  readonly attempts: number;
}
