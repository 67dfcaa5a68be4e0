import type { MailDraft, MailRate } from '../../model/mail.ts';

/** How full the queue is, 0 … 1: the larger of its share of deliveries and of bytes. */
const digestFrom = 0.8;
/** Mails gathered because they are too many wait so long for company. */
const crowdedMs = 300_000;

/** What is known of one recipient when a draft comes in. */
export interface AdmissionFacts {
  readonly isKnown: boolean;
  readonly fill: number;
  /** The open digest that holds an earlier mail of the same incident to this recipient. */
  readonly joins: string | null;
  /** Everything of this incident to this recipient is unsent, beginning with its down. */
  readonly downUnsent: boolean;
  readonly tokens: number;
  readonly now: number;
}

export type AdmissionDecision =
  | { readonly kind: 'known' }
  | { readonly kind: 'full' }
  | { readonly kind: 'mail' }
  /** One mail in place of the unsent ones and this. */
  | { readonly kind: 'combined' }
  | { readonly kind: 'join'; readonly digest: string }
  | { readonly kind: 'digest'; readonly why: 'digest' | 'quiet' | 'rate' | 'crowded'; readonly until: number };

/**
 * Alone, gathered, or not now. Nothing is dropped: what is too much becomes a line of a digest, what is beyond the bound is refused and
 * comes again. What belongs to an incident goes where the earlier mails of it wait, so that an up never overtakes its down.
 */
export function admit(draft: Pick<MailDraft, 'incident' | 'collect' | 'rate'>, facts: AdmissionFacts): AdmissionDecision {
  if (facts.isKnown) return { kind: 'known' };
  if (facts.fill >= 1) return { kind: 'full' };
  if (facts.joins !== null) return { kind: 'join', digest: facts.joins };
  if (draft.incident?.phase === 'up' && facts.downUnsent) return { kind: 'combined' };
  if (draft.collect !== null) return { kind: 'digest', ...draft.collect };
  if (facts.fill >= digestFrom) return { kind: 'digest', why: 'crowded', until: facts.now + crowdedMs };
  if (draft.rate !== null && facts.tokens < 1) return { kind: 'digest', why: 'rate', until: facts.now + draft.rate.perMs };
  return { kind: 'mail' };
}

export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** The tokens of a recipient now; a recipient that nobody knows has all. */
export function refilled(bucket: Bucket | null, rate: MailRate, now: number): Bucket {
  if (bucket === null) return { tokens: rate.mails, at: now };
  const gained = (Math.max(0, now - bucket.at) * rate.mails) / rate.perMs;
  return { tokens: Math.min(rate.mails, bucket.tokens + gained), at: Math.max(now, bucket.at) };
}
