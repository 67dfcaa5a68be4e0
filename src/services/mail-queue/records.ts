/** What stands in the queue's file. All times are epoch ms of the queue's own time (`queue-time.ts`). */
export interface MailRecord {
  readonly key: string;
  readonly sink: string;
  readonly route: string;
  readonly from: string;
  readonly subject: string;
  readonly messageId: string;
  /** Of what it tells about: its Date. */
  readonly at: number;
  /** Message-IDs that it refers to. */
  readonly thread: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly bytes: number;
  readonly eightBit: boolean;
  readonly utf8: boolean;
  readonly incidents: readonly string[];
  readonly phase: 'down' | 'up' | 'reminder' | 'other';
  /** The beginning of the text, for digests, combined mails, and for people. */
  readonly summary: string;
  readonly isReport: boolean;
  readonly isCut: boolean;
  /** Deliveries that still stand. */
  readonly live: number;
}

/**
 * | state       | waits for                                            | leads to |
 * |-------------|------------------------------------------------------|----------|
 * | `queued`    | its turn                                             | sending  |
 * | `waiting`   | an earlier mail of its incident to the same recipient | queued  |
 * | `sending`   | a session                                            | gone (delivered, failed), deferred, uncertain, held |
 * | `deferred`  | its time                                             | sending  |
 * | `uncertain` | its time; it may have arrived                        | sending  |
 * | `held`      | an operator                                          | queued, gone |
 *
 * Gone: the row is removed in the transaction that records what became of it.
 */
export const deliveryStates = ['queued', 'waiting', 'sending', 'deferred', 'uncertain', 'held'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

export interface DeliveryRecord {
  readonly to: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly nextAt: number;
  readonly server: string | null;
  readonly said: string | null;
  /** Uncertain: it may stand at its server already, so until then no other is given it. */
  readonly loyalUntil: number;
  /** An operator wants it held once its session is over. */
  readonly holdNext: boolean;
}

/** `[mail, number of the recipient]`; `12.0` for people. */
export type DeliveryKey = readonly [seq: number, index: number];

export function printDeliveryKey([seq, index]: DeliveryKey): string {
  return `${seq}.${index}`;
}

/** `12` is every delivery of a mail, `12.1` one of them. */
export function parseDeliveryKey(text: string): { readonly seq: number; readonly index: number | null } | null {
  const [, seq, index] = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  return seq === undefined ? null : { seq: Number(seq), index: index === undefined ? null : Number(index) };
}

/** What became of a delivery, kept for a while for people. */
export interface GoneRecord {
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly what: 'delivered' | 'failed' | 'superseded' | 'dropped';
  readonly server: string | null;
  readonly said: string | null;
  readonly attempts: number;
  readonly at: number;
}

export type Counts = Readonly<Record<DeliveryState, number>>;

export interface QueueStats {
  readonly deliveries: number;
  readonly bytes: number;
  readonly states: Counts;
  readonly digestLines: number;
  /** Since the file was made. */
  readonly accepted: number;
  readonly delivered: number;
  readonly failed: number;
  readonly superseded: number;
  readonly dropped: number;
  readonly uncertain: number;
  /** Creation of the oldest mail; null: there is none. */
  readonly oldestAt: number | null;
}
