import type { Ledger } from './ledger.ts';
import type { MailFile } from './mail-file.ts';
import type { DeliveryKey, DeliveryRecord, DeliveryState, GoneRecord, MailRecord } from './records.ts';
import { printDeliveryKey } from './records.ts';

/** The steps that transactions on the queue's file are made of. Each keeps the indexes and the sums in line with the rows. */

const keptGone = 1_000;
/** In `due`: being sent. Found again by whoever starts after a crash. */
export const beingSent = -1;
/** In `due` and `order`: any recipient of any mail. */
const last = Number.MAX_SAFE_INTEGER;

export function getMail(file: MailFile, seq: number): MailRecord | null {
  const text = file.mails.get(seq);
  return text === undefined ? null : (JSON.parse(text) as MailRecord);
}

export function getDelivery(file: MailFile, key: DeliveryKey): DeliveryRecord | null {
  const text = file.deliveries.get([...key]);
  return text === undefined ? null : (JSON.parse(text) as DeliveryRecord);
}

/** Rows in `due` from `from` on, up to and including the time `to`. */
export function dueKeys(file: MailFile, from: number, to: number, limit: number): { at: number; key: DeliveryKey }[] {
  const range = { start: [from], end: [to, last], limit };
  return [...file.due.getKeys(range)].map((key) => {
    const [at, seq, index] = key as unknown as [number, number, number];
    return { at, key: [seq, index] };
  });
}

/** A mail with its recipients, each a delivery of its own. */
export function addMail(
  file: MailFile,
  ledger: Ledger,
  mail: MailRecord,
  bytes: Uint8Array,
  recipients: readonly string[],
): number {
  const seq = ledger.number();
  file.mails.put(seq, JSON.stringify(mail));
  file.bodies.put(seq, bytes);
  ledger.add('bytes', mail.bytes);
  for (const [index, to] of recipients.entries()) addDelivery(file, ledger, mail, [seq, index], to, mail.createdAt);
  return seq;
}

function addDelivery(file: MailFile, ledger: Ledger, mail: MailRecord, key: DeliveryKey, to: string, now: number): void {
  const isFirst = mail.incidents.every((incident) => headOf(file, incident, to) === null);
  for (const incident of mail.incidents) file.order.put([incident, to, ...key], 'mail');
  const delivery: DeliveryRecord = {
    to,
    state: isFirst ? 'queued' : 'waiting',
    attempts: 0,
    nextAt: now,
    server: null,
    said: null,
    holdNext: false,
    loyalUntil: 0,
  };
  file.deliveries.put([...key], JSON.stringify(delivery));
  if (isFirst) file.due.put([now, ...key], '1');
  file.expiry.put([mail.expiresAt, ...key], '1');
  ledger.move(null, delivery.state);
}

/** Writes the delivery with another state, and moves its row in `due` accordingly. */
export function changeDelivery(
  file: MailFile,
  ledger: Ledger,
  key: DeliveryKey,
  old: DeliveryRecord,
  change: Partial<DeliveryRecord> & { readonly state: DeliveryState },
): DeliveryRecord {
  const changed = { ...old, ...change };
  const before = dueAt(old);
  const after = dueAt(changed);
  if (before !== null && before !== after) file.due.remove([before, ...key]);
  if (after !== null && before !== after) file.due.put([after, ...key], '1');
  file.deliveries.put([...key], JSON.stringify(changed));
  ledger.move(old.state, changed.state);
  return changed;
}

function dueAt({ state, nextAt }: DeliveryRecord): number | null {
  if (state === 'sending') return beingSent;
  return state === 'waiting' || state === 'held' ? null : nextAt;
}

/** Takes a delivery out of everything; its mail too when it was the last. What waited behind it may go. */
export function removeDelivery(
  file: MailFile,
  ledger: Ledger,
  key: DeliveryKey,
  delivery: DeliveryRecord,
  what: GoneRecord['what'],
  now: number,
): void {
  const mail = getMail(file, key[0]);
  const at = dueAt(delivery);
  if (at !== null) file.due.remove([at, ...key]);
  file.deliveries.remove([...key]);
  ledger.move(delivery.state, null);
  ledger.add(what);
  if (mail === null) return;
  file.expiry.remove([mail.expiresAt, ...key]);
  if (mail.live > 1) file.mails.put(key[0], JSON.stringify({ ...mail, live: mail.live - 1 }));
  else {
    file.mails.remove(key[0]);
    file.bodies.remove(key[0]);
    ledger.add('bytes', -mail.bytes);
  }
  for (const incident of mail.incidents) file.order.remove([incident, delivery.to, ...key]);
  for (const incident of mail.incidents) release(file, ledger, incident, delivery.to, now);
  const { server, said, attempts, to } = delivery;
  const gone: GoneRecord = { id: printDeliveryKey(key), to, subject: mail.subject, what, server, said, attempts, at: now };
  const number = ledger.number();
  file.gone.put(number, JSON.stringify(gone));
  for (const old of file.gone.getKeys({ limit: 1 })) if (Number(old) <= number - keptGone) file.gone.remove(old);
}

/** The first that stands for this incident and recipient: a delivery, or a digest that gathers. */
function headOf(file: MailFile, incident: string, to: string): { key: DeliveryKey; held: string } | null {
  for (const { key, value } of file.order.getRange({ start: [incident, to], end: [incident, to, last], limit: 1 })) {
    const [, , seq, index] = key as unknown as [string, string, number, number];
    return { key: [seq, index], held: value };
  }
  return null;
}

/** Everything that stands for this incident and recipient, first things first. */
export function standing(file: MailFile, incident: string, to: string): { key: DeliveryKey; held: string }[] {
  return [...file.order.getRange({ start: [incident, to], end: [incident, to, last] })].map(({ key, value }) => {
    const [, , seq, index] = key as unknown as [string, string, number, number];
    return { key: [seq, index], held: value };
  });
}

/** Lets the first go that waits there, when it is the first of all its incidents. */
export function release(file: MailFile, ledger: Ledger, incident: string, to: string, now: number): void {
  const head = headOf(file, incident, to);
  if (head === null || head.held !== 'mail') return;
  const delivery = getDelivery(file, head.key);
  const mail = getMail(file, head.key[0]);
  if (delivery?.state !== 'waiting' || mail === null) return;
  const isFirst = mail.incidents.every((other) => {
    const first = headOf(file, other, to)?.key;
    return first?.[0] === head.key[0] && first[1] === head.key[1];
  });
  if (isFirst) changeDelivery(file, ledger, head.key, delivery, { state: 'queued', nextAt: now });
}
