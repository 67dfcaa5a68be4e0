import type { ServerView } from './deliverer.ts';
import { type DigestRecord, digestKey } from './digest.ts';
import type { MailFile } from './mail-file.ts';
import type { QueueTime } from './queue-time.ts';
import {
  type DeliveryKey,
  type DeliveryRecord,
  type DeliveryState,
  type GoneRecord,
  type MailRecord,
  printDeliveryKey,
  type QueueStats,
} from './records.ts';
import { changeDelivery, getDelivery, getMail, removeDelivery } from './rows.ts';

/** A delivery as people see it. */
export interface MailView {
  /** `12.0` */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly ageMs: number;
  /** Until the next try; 0: now. Null: it waits for something else. */
  readonly nextInMs: number | null;
  readonly expiresInMs: number;
  readonly server: string | null;
  readonly said: string | null;
  readonly bytes: number;
  readonly messageId: string;
  readonly sink: string;
}

export interface Selection {
  readonly ids: readonly { readonly seq: number; readonly index: number | null }[] | 'all';
  readonly to?: string;
  readonly state?: DeliveryState;
}

const changedAtOnce = 200;

/** What people do with the queue, from any process on the data directory. */
export class Operator {
  readonly #file: MailFile;
  readonly #time: QueueTime;
  readonly #wake: () => void;

  constructor(file: MailFile, time: QueueTime, wake: () => void) {
    this.#file = file;
    this.#time = time;
    this.#wake = wake;
  }

  stats(): QueueStats {
    this.#file.refresh();
    const { next: _, reachedAt: __, ...sums } = this.#file.ledger().sums;
    let oldestAt: number | null = null;
    for (const { value } of this.#file.mails.getRange({ limit: 1 })) oldestAt = (JSON.parse(value) as MailRecord).createdAt;
    return { ...sums, oldestAt };
  }

  /** Oldest first. */
  list(selection: Selection, limit: number): MailView[] {
    const views: MailView[] = [];
    for (const { key, delivery, mail } of this.#select(selection)) {
      if (views.length >= limit) break;
      views.push(this.#view(key, delivery, mail));
    }
    return views;
  }

  /** What became of the last ones, newest first. */
  gone(limit: number): GoneRecord[] {
    this.#file.refresh();
    return [...this.#file.gone.getRange({ reverse: true, limit })].map(({ value }) => JSON.parse(value) as GoneRecord);
  }

  body(seq: number): Uint8Array | null {
    this.#file.refresh();
    return this.#file.bodies.get(seq) ?? null;
  }

  /** Does anything stand that was not tried once, of mails with these keys and numbers from `first` on? */
  isUntried(first: number, keys: ReadonlySet<string>): boolean {
    this.#file.refresh();
    for (const { key, value } of this.#file.deliveries.getRange({ start: [first] })) {
      const { attempts, state } = JSON.parse(value) as DeliveryRecord;
      const isTried = attempts > 1 || (attempts === 1 && state !== 'sending') || state === 'held' || state === 'waiting';
      if (!isTried && keys.has(getMail(this.#file, (key as unknown as number[])[0] as number)?.key ?? '')) return true;
    }
    return false;
  }

  recipients(seq: number): string[] {
    return [...this.#select({ ids: [{ seq, index: null }] })].map(({ delivery }) => delivery.to);
  }

  /** As soon as a server works: what is deferred, uncertain or held. Returns how many. */
  retry(selection: Selection): Promise<number> {
    return this.#change(selection, (ledger, { key, delivery, mail }, now) => {
      if (delivery.state === 'queued' || delivery.state === 'sending' || delivery.state === 'waiting') return false;
      // Held ones may stand behind others of their incident by now; only the first of them may go.
      const state = this.#isFirst(key, delivery, mail) ? 'queued' : 'waiting';
      changeDelivery(this.#file, ledger, key, delivery, { state, nextAt: now, holdNext: false });
      return true;
    });
  }

  /** Kept until `retry`. What is being sent now is held if this try does not bring it there. */
  hold(selection: Selection): Promise<number> {
    return this.#change(selection, (ledger, { key, delivery }) => {
      if (delivery.state === 'held' || delivery.holdNext) return false;
      if (delivery.state === 'sending') this.#file.deliveries.put([...key], JSON.stringify({ ...delivery, holdNext: true }));
      else changeDelivery(this.#file, ledger, key, delivery, { state: 'held' });
      return true;
    });
  }

  /** Gone for good, with no dead letter: somebody decided so. What is being sent now may arrive all the same. */
  drop(selection: Selection): Promise<number> {
    return this.#change(selection, (ledger, { key, delivery }, now) => {
      removeDelivery(this.#file, ledger, key, delivery, 'dropped', now);
      return true;
    });
  }

  /** Everything that waits for its time, and every open digest. What is held stays held. */
  async flush(): Promise<{ readonly deliveries: number; readonly digests: number }> {
    let deliveries = 0;
    for (const state of ['deferred', 'uncertain'] as const) deliveries += await this.retry({ ids: 'all', state });
    const now = this.#time.now();
    const digests = await this.#file.transact(() => {
      const open = [...this.#file.digests.getRange({})].map(({ value }) => JSON.parse(value) as DigestRecord);
      for (const record of open)
        this.#file.digests.put(digestKey(record), JSON.stringify({ ...record, dueAt: Math.min(record.dueAt, now) }));
      return open.length;
    });
    return { deliveries, digests };
  }

  /** For people and other processes: how the servers are, as the process that delivers sees it. */
  async show(servers: readonly ServerView[]): Promise<void> {
    const text = JSON.stringify(servers);
    if (this.#file.meta.get('servers') === text) return;
    await this.#file.transact(() => this.#file.meta.put('servers', text));
  }

  servers(): ServerView[] {
    this.#file.refresh();
    return JSON.parse(this.#file.meta.get('servers') ?? '[]') as ServerView[];
  }

  #isFirst(key: DeliveryKey, { to }: DeliveryRecord, mail: MailRecord): boolean {
    return mail.incidents.every((incident) => {
      const range = { start: [incident, to], end: [incident, to, Number.MAX_SAFE_INTEGER], limit: 1 };
      const [first] = [...this.#file.order.getKeys(range)] as unknown as [string, string, number, number][];
      return first?.[2] === key[0] && first[3] === key[1];
    });
  }

  #view(key: DeliveryKey, delivery: DeliveryRecord, mail: MailRecord): MailView {
    const now = this.#time.now();
    const { to, state, attempts, nextAt, server, said } = delivery;
    const isTimed = state === 'queued' || state === 'deferred' || state === 'uncertain';
    return {
      id: printDeliveryKey(key),
      to,
      subject: mail.subject,
      state,
      attempts,
      ageMs: now - mail.createdAt,
      nextInMs: isTimed ? Math.max(0, nextAt - now) : null,
      expiresInMs: mail.expiresAt - now,
      server,
      said,
      bytes: mail.bytes,
      messageId: mail.messageId,
      sink: mail.sink,
    };
  }

  *#select({ ids, to, state }: Selection): Generator<Found> {
    this.#file.refresh();
    const ranges = ids === 'all' ? [{}] : ids.map(({ seq, index }) => rangeOf(seq, index));
    for (const range of ranges) {
      for (const { key, value } of this.#file.deliveries.getRange(range)) {
        const found = key as unknown as [number, number];
        const delivery = JSON.parse(value) as DeliveryRecord;
        if ((to !== undefined && delivery.to !== to) || (state !== undefined && delivery.state !== state)) continue;
        const mail = getMail(this.#file, found[0]);
        if (mail !== null) yield { key: found, delivery, mail };
      }
    }
  }

  /** A few at a time, each looked at again inside its transaction. */
  async #change(
    selection: Selection,
    change: (ledger: Parameters<typeof changeDelivery>[1], found: Found, now: number) => boolean,
  ): Promise<number> {
    const keys = [...this.#select(selection)].map(({ key }) => key);
    const now = this.#time.now();
    let changed = 0;
    for (let from = 0; from < keys.length; from += changedAtOnce) {
      changed += await this.#file.transact((ledger) => {
        let count = 0;
        for (const key of keys.slice(from, from + changedAtOnce)) {
          const delivery = getDelivery(this.#file, key);
          const mail = getMail(this.#file, key[0]);
          if (delivery !== null && mail !== null && change(ledger, { key, delivery, mail }, now)) count += 1;
        }
        return count;
      });
    }
    this.#wake();
    return changed;
  }
}

interface Found {
  readonly key: DeliveryKey;
  readonly delivery: DeliveryRecord;
  readonly mail: MailRecord;
}

function rangeOf(seq: number, index: number | null): { start: number[]; end: number[] } {
  return index === null ? { start: [seq], end: [seq, Number.MAX_SAFE_INTEGER] } : { start: [seq, index], end: [seq, index + 1] };
}
