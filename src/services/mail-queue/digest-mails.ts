import { digestSubject, digestText } from '../../core/mail/texts.ts';
import { stableId } from '../../model/stable-hash.ts';
import type { Compose } from './compose.ts';
import { type DigestRecord, type DigestWhy, digestKey, getDigest, type StoredLine } from './digest.ts';
import type { MailFile } from './mail-file.ts';
import type { MailRecord } from './records.ts';
import { addMail, release } from './rows.ts';

export interface DigestOptions {
  readonly file: MailFile;
  readonly compose: Compose;
  readonly from: string;
  readonly domain: string;
}

const linesAtOnce = 500;
const reasons: Readonly<Record<DigestWhy, string>> = {
  digest: 'they are gathered, as configured',
  quiet: 'these were quiet hours',
  rate: 'they were more than one person is sent in so short a time',
  crowded: 'the queue of mails is nearly full',
};

/**
 * Digests whose time has come become mails, in the transaction that takes their lines away. Returns how many.
 */
export async function sendDueDigests(options: DigestOptions, now: number): Promise<number> {
  const { file } = options;
  file.refresh();
  const due = [...file.digests.getRange({})]
    .map(({ value }) => JSON.parse(value) as DigestRecord)
    .filter((record) => record.dueAt <= now);
  for (const record of due) await sendDigest(options, record, now);
  return due.length;
}

async function sendDigest({ file, compose, from, domain }: DigestOptions, record: DigestRecord, now: number): Promise<void> {
  const upTo = Math.min(record.next, record.first + linesAtOnce);
  const range = { start: [record.id, record.first], end: [record.id, upTo] };
  const rows = [...file.lines.getRange(range)].map(({ value }) => ({
    bytes: value.length,
    line: JSON.parse(value) as StoredLine,
  }));
  const lines = rows.map((row) => row.line);
  const composed = await compose({
    to: [record.to],
    subject: digestSubject(lines),
    text: digestText(lines, reasons[record.why]),
    html: null,
    attachments: [],
    messageId: `<${stableId(['digest', String(record.id), String(record.first), record.to])}@${domain}>`,
    thread: [],
    at: now,
  });
  const incidents = [...new Set(lines.flatMap((line) => line.incidents))];
  await file.transact((ledger) => {
    const current = getDigest(file, digestKey(record));
    if (current?.id !== record.id || current.first !== record.first) return; // another process was faster
    for (let number = record.first; number < upTo; number++) {
      file.lines.remove([record.id, number]);
      for (const incident of lines[number - record.first]?.incidents ?? [])
        file.order.remove([incident, record.to, record.id, number]);
    }
    const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
    ledger.add('digestLines', record.first - upTo);
    ledger.add('bytes', -bytes);
    if (current.next === upTo) file.digests.remove(digestKey(record));
    else
      file.digests.put(digestKey(record), JSON.stringify({ ...current, first: upTo, dueAt: now, bytes: current.bytes - bytes }));
    const mail: MailRecord = {
      key: `digest/${record.id}/${record.first}`,
      sink: record.sink,
      route: record.route,
      from,
      subject: digestSubject(lines),
      messageId: composed.messageId,
      at: now,
      thread: [],
      createdAt: now,
      expiresAt: now + record.lifetimeMs,
      bytes: composed.bytes.length,
      eightBit: composed.eightBit,
      utf8: composed.utf8,
      incidents,
      phase: 'other',
      summary: digestText(lines.slice(0, 20), reasons[record.why]).slice(0, 2_000),
      isReport: record.isReport,
      isCut: false,
      live: 1,
    };
    addMail(file, ledger, mail, composed.bytes, [record.to]);
    for (const incident of incidents) release(file, ledger, incident, record.to, now);
  });
}
