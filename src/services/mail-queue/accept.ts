import { type AdmissionDecision, admit, type Bucket, refilled } from '../../core/mail/admission.ts';
import { combinedText } from '../../core/mail/texts.ts';
import { Fault } from '../../model/faults.ts';
import type { MailDraft } from '../../model/mail.ts';
import { stableId } from '../../model/stable-hash.ts';
import type { Compose, Composed, Contents } from './compose.ts';
import { addLine } from './digest.ts';
import type { Ledger } from './ledger.ts';
import type { MailFile } from './mail-file.ts';
import type { MailRecord } from './records.ts';
import { addMail, getDelivery, getMail, removeDelivery, standing } from './rows.ts';

export interface Caps {
  readonly deliveries: number;
  readonly bytes: number;
}

export interface AcceptOptions {
  readonly file: MailFile;
  readonly compose: Compose;
  readonly from: string;
  /** The right side of our Message-IDs. */
  readonly domain: string;
  readonly caps: Caps;
  readonly now: () => number;
}

/** Keys and threads are remembered so long: longer than any mail lives, and than any message comes again. */
const rememberedMs = 10 * 86_400_000;
const summaryLength = 2_000;

/** A mail that is to be made: of one draft, for some of its recipients, or one that stands for a down and its up. */
interface Order {
  readonly draft: MailDraft;
  readonly to: readonly string[];
  readonly combines: readonly MailRecord[];
}

/**
 * Takes drafts: what they become is decided in the transaction that writes it, since only there the queue stands still. Mails are
 * composed before it, which takes time; where the decision has become another one meanwhile, that draft goes round again.
 */
export async function acceptDrafts(options: AcceptOptions, drafts: readonly MailDraft[]): Promise<void> {
  let open = drafts.flatMap((draft) => [...new Set(draft.to)].map((to) => ({ draft, to })));
  while (open.length > 0) {
    options.file.refresh();
    const orders = ordersFor(options, open);
    const made = new Map<string, Composed>();
    for (const order of orders) made.set(orderName(order), await options.compose(contentsOf(options, order)));
    open = await options.file.transact((ledger) => place(options, ledger, open, made));
  }
}

interface Open {
  readonly draft: MailDraft;
  readonly to: string;
}

function decide(
  { file, caps, now }: AcceptOptions,
  ledger: Ledger,
  { draft, to }: Open,
): { decision: AdmissionDecision; unsent: MailRecord[] } {
  const { deliveries, digestLines, bytes } = ledger.sums;
  const unsent = unsentOf(file, draft, to);
  const joins = draft.incident === null ? undefined : standing(file, incidentKey(draft), to).find(({ held }) => held !== 'mail');
  const decision = admit(draft, {
    isKnown: file.keys.get(recipientKey(draft, to)) !== undefined,
    fill: Math.max((deliveries + digestLines) / caps.deliveries, bytes / caps.bytes),
    joins: joins?.held ?? null,
    downUnsent: unsent[0]?.phase === 'down',
    tokens: draft.rate === null ? 1 : refilled(bucketOf(file, to), draft.rate, now()).tokens,
    now: now(),
  });
  return { decision, unsent };
}

function ordersFor(options: AcceptOptions, open: readonly Open[]): Order[] {
  const ledger = options.file.ledger();
  const alone = new Map<string, { draft: MailDraft; to: string[] }>();
  const orders: Order[] = [];
  for (const one of open) {
    const { decision, unsent } = decide(options, ledger, one);
    if (decision.kind === 'combined') orders.push({ draft: one.draft, to: [one.to], combines: unsent });
    if (decision.kind !== 'mail') continue;
    const together = alone.get(one.draft.key) ?? { draft: one.draft, to: [] };
    together.to.push(one.to);
    alone.set(one.draft.key, together);
  }
  for (const { draft, to } of alone.values()) orders.push({ draft, to, combines: [] });
  return orders;
}

function orderName({ draft, to, combines }: Order): string {
  return JSON.stringify([draft.key, to, combines.map((mail) => mail.key)]);
}

function place(options: AcceptOptions, ledger: Ledger, open: readonly Open[], made: ReadonlyMap<string, Composed>): Open[] {
  const { file, now } = options;
  const again: Open[] = [];
  const alone = new Map<string, { draft: MailDraft; to: string[] }>();
  ledger.reached(now());
  for (const one of open) {
    const { draft, to } = one;
    const { decision, unsent } = decide(options, ledger, one);
    switch (decision.kind) {
      case 'known':
        break;
      case 'full':
        throw new Fault('retryable', 'mail_queue_full', 'as many mails wait as may; they are delivered first');
      case 'join':
      case 'digest':
        addLine(file, ledger, draft, to, decision, incidentsOf(draft), now());
        remember(file, draft, to, now());
        break;
      case 'combined': {
        const order = { draft, to: [to], combines: unsent };
        const composed = made.get(orderName(order));
        if (composed === undefined) again.push(one);
        else {
          supersede(file, ledger, draft, to, now());
          putMail(options, ledger, order, composed);
        }
        break;
      }
      case 'mail': {
        if (draft.rate !== null) takeToken(file, draft, to, now());
        const together = alone.get(draft.key) ?? { draft, to: [] };
        together.to.push(to);
        alone.set(draft.key, together);
        break;
      }
    }
  }
  for (const { draft, to } of alone.values()) {
    const order = { draft, to, combines: [] };
    const composed = made.get(orderName(order));
    if (composed === undefined) {
      again.push(...to.map((each) => ({ draft, to: each })));
      if (draft.rate !== null) for (const each of to) giveToken(file, each);
    } else putMail(options, ledger, order, composed);
  }
  return again;
}

function putMail(options: AcceptOptions, ledger: Ledger, { draft, to, combines }: Order, composed: Composed): void {
  const { file, from } = options;
  const at = options.now();
  const mail: MailRecord = {
    key: draft.key,
    sink: draft.sink,
    route: draft.route,
    from,
    subject: subjectOf(draft, combines),
    messageId: composed.messageId,
    at: draft.at,
    thread: composed.thread,
    createdAt: at,
    expiresAt: at + draft.lifetimeMs,
    bytes: composed.bytes.length,
    eightBit: composed.eightBit,
    utf8: composed.utf8,
    incidents: incidentsOf(draft),
    phase: combines.length > 0 ? 'other' : (draft.incident?.phase ?? 'other'),
    summary: draft.text.slice(0, summaryLength),
    isReport: draft.isReport,
    isCut: false,
    live: to.length,
  };
  addMail(file, ledger, mail, composed.bytes, to);
  for (const recipient of to) remember(file, draft, recipient, at);
  ledger.add('accepted', to.length);
  if (mail.phase === 'down') {
    file.threads.put(incidentKey(draft), composed.messageId);
    file.forget.put([at + rememberedMs, 'threads', incidentKey(draft)], '1');
  }
}

function contentsOf({ file, domain }: AcceptOptions, { draft, to, combines }: Order): Contents {
  const down = draft.incident === null ? undefined : file.threads.get(incidentKey(draft));
  const root = draft.incident === null ? [] : [`<${incidentKey(draft)}@${domain}>`];
  const isCombined = combines.length > 0;
  const follows = !isCombined && draft.incident?.phase !== 'down' && down !== undefined ? [down] : [];
  return {
    to,
    subject: subjectOf(draft, combines),
    text: isCombined ? combinedText(draft, combines) : draft.text,
    html: isCombined ? null : draft.html,
    attachments: draft.attachments,
    messageId: `<${stableId([draft.key, ...(isCombined ? ['combined', ...to] : [])])}@${domain}>`,
    thread: [...root, ...follows],
    at: draft.at,
  };
}

function subjectOf(draft: MailDraft, combines: readonly MailRecord[]): string {
  const [down] = combines;
  return down === undefined ? draft.subject : `${draft.subject} (was: ${down.subject})`;
}

/** The mails of this incident to this recipient, when none of them can have left. */
function unsentOf(file: MailFile, draft: MailDraft, to: string): MailRecord[] {
  if (draft.incident === null) return [];
  const mails: MailRecord[] = [];
  for (const { key, held } of standing(file, incidentKey(draft), to)) {
    const delivery = held === 'mail' ? getDelivery(file, key) : null;
    const mail = getMail(file, key[0]);
    if (delivery === null || mail === null || delivery.state === 'sending' || delivery.state === 'uncertain') return [];
    mails.push(mail);
  }
  return mails;
}

function supersede(file: MailFile, ledger: Ledger, draft: MailDraft, to: string, now: number): void {
  for (const { key } of standing(file, incidentKey(draft), to)) {
    const delivery = getDelivery(file, key);
    if (delivery !== null) removeDelivery(file, ledger, key, delivery, 'superseded', now);
  }
}

function remember(file: MailFile, draft: MailDraft, to: string, now: number): void {
  const key = recipientKey(draft, to);
  file.keys.put(key, '1');
  file.forget.put([now + rememberedMs, 'keys', key], '1');
}

function recipientKey(draft: MailDraft, to: string): string {
  return stableId([draft.key, to]);
}

/** Of any length; a key of the file is not. */
function incidentKey({ incident }: MailDraft): string {
  return stableId(['incident', incident?.id ?? '']);
}

function incidentsOf(draft: MailDraft): string[] {
  return draft.incident === null ? [] : [incidentKey(draft)];
}

function bucketOf(file: MailFile, to: string): Bucket | null {
  const text = file.buckets.get(to);
  return text === undefined ? null : (JSON.parse(text) as Bucket);
}

function takeToken(file: MailFile, draft: MailDraft, to: string, now: number): void {
  if (draft.rate === null) return;
  const { tokens, at } = refilled(bucketOf(file, to), draft.rate, now);
  file.buckets.put(to, JSON.stringify({ tokens: tokens - 1, at }));
}

function giveToken(file: MailFile, to: string): void {
  const bucket = bucketOf(file, to);
  if (bucket !== null) file.buckets.put(to, JSON.stringify({ ...bucket, tokens: bucket.tokens + 1 }));
}
