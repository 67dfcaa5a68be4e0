import type { AdmissionDecision } from '../../core/mail/admission.ts';
import type { DigestLine } from '../../core/mail/texts.ts';
import type { MailDraft } from '../../model/mail.ts';
import type { Ledger } from './ledger.ts';
import type { MailFile } from './mail-file.ts';

/**
 * Mails that are gathered: a record per recipient, reason and route, and a row per mail. What is gathered is accepted: it is on disk,
 * counts towards the bound, and becomes one mail when its time has come or it is full.
 */
export interface DigestRecord {
  readonly id: number;
  readonly to: string;
  readonly why: DigestWhy;
  readonly route: string;
  readonly sink: string;
  readonly dueAt: number;
  readonly lifetimeMs: number;
  readonly isReport: boolean;
  /** Lines ever written; those before `first` have become mails. */
  readonly next: number;
  readonly first: number;
  readonly bytes: number;
}

export type DigestWhy = Extract<AdmissionDecision, { kind: 'digest' }>['why'];

export interface StoredLine extends DigestLine {
  readonly incidents: readonly string[];
}

const fullLines = 500;
const lineText = 1_000;

export function digestKey(record: Pick<DigestRecord, 'to' | 'why' | 'route'>): string[] {
  return [record.to, record.why, record.route];
}

export function getDigest(file: MailFile, key: readonly string[]): DigestRecord | null {
  const text = file.digests.get([...key]);
  return text === undefined ? null : (JSON.parse(text) as DigestRecord);
}

/** One more line; the digest is made when it is the first. */
export function addLine(
  file: MailFile,
  ledger: Ledger,
  draft: MailDraft,
  to: string,
  decision: Extract<AdmissionDecision, { kind: 'join' | 'digest' }>,
  incidents: readonly string[],
  now: number,
): void {
  const key = decision.kind === 'join' ? (JSON.parse(decision.digest) as string[]) : [to, decision.why, draft.route];
  const old = getDigest(file, key) ?? {
    id: ledger.number(),
    to,
    why: key[1] as DigestWhy,
    route: draft.route,
    sink: draft.sink,
    dueAt: decision.kind === 'digest' ? decision.until : now,
    lifetimeMs: draft.lifetimeMs,
    isReport: draft.isReport,
    next: 0,
    first: 0,
    bytes: 0,
  };
  const line: StoredLine = { at: draft.at, subject: draft.subject, text: draft.text.slice(0, lineText), incidents };
  const text = JSON.stringify(line);
  const record: DigestRecord = {
    ...old,
    dueAt: old.next + 1 - old.first >= fullLines ? Math.min(old.dueAt, now) : old.dueAt,
    lifetimeMs: Math.max(old.lifetimeMs, draft.lifetimeMs),
    isReport: old.isReport && draft.isReport,
    next: old.next + 1,
    bytes: old.bytes + text.length,
  };
  file.lines.put([record.id, old.next], text);
  file.digests.put(digestKey(record), JSON.stringify(record));
  for (const incident of incidents) file.order.put([incident, to, record.id, old.next], JSON.stringify(digestKey(record)));
  ledger.add('digestLines');
  ledger.add('bytes', text.length);
  ledger.add('accepted');
}
