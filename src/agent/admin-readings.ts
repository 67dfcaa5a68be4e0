import { noReadings, type Readings } from '../telemetry/readings.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Figures } from './figures.ts';
import type { MailReading } from './mail-service.ts';

/** What `/metrics` shows beside what was told as events: what this process has counted, and the stores' view of what it owns, if they answer. */
export function readingsOf(
  figures: Pick<Figures, 'total' | 'bySink'>,
  view: ClusterView | null,
  boot: string,
  mails: MailReading | null = null,
): Readings {
  const tally = figures.total();
  const one = (value: number) => [{ value }];
  const owned = (view?.partitions ?? []).filter((partition) => partition.boot === boot);
  const ofOwned = (key: 'epoch' | 'entries' | 'bytes' | 'boundBytes' | 'outboxItems') =>
    owned.map(({ sink, partition, [key]: value }) => ({ labels: { sink, partition: String(partition) }, value }));
  // No line rather than a 0 that nobody has counted.
  const ofView = (read: (known: ClusterView) => number) => (view === null ? [] : one(read(view)));
  const ofMails = (read: (known: MailReading) => number) => (mails === null ? [] : one(read(mails)));
  return {
    ...noReadings,
    received_total: one(tally.received),
    converted_samples_total: one(tally.samples),
    converted_events_total: one(tally.events),
    appended_entries_total: one(tally.appended),
    applied_notifications_total: one(tally.applied),
    sink_applied_notifications_total: figures.bySink().map(({ sink, applied }) => ({ labels: { sink }, value: applied })),
    repeated_notifications_total: one(tally.repeated),
    dropped_items_total: one(tally.dropped),
    dead_letters_total: one(tally.letters),
    failed_proofs_total: one(tally.unproven),
    abandoned_notifications_total: one(tally.abandoned),
    stores_answer: one(view === null ? 0 : 1),
    partitions_owned: ofView(() => owned.length),
    partition_epoch: ofOwned('epoch'),
    partition_waiting_entries: ofOwned('entries'),
    partition_waiting_bytes: ofOwned('bytes'),
    partition_bound_bytes: ofOwned('boundBytes'),
    partition_outbox_items: ofOwned('outboxItems'),
    partitions_without_owner: ofView(({ partitions }) => partitions.filter(({ owner }) => owner === null).length),
    partitions_in_trouble: ofView(({ partitions }) => partitions.filter(({ trouble }) => trouble !== null).length),
    mail_queue_deliveries: Object.entries(mails?.states ?? {}).map(([state, value]) => ({ labels: { state }, value })),
    mail_queue_digest_lines: ofMails((known) => known.digestLines),
    mail_queue_bytes: ofMails((known) => known.bytes),
    mail_queue_fill: ofMails((known) => known.fill),
    mail_queue_oldest_seconds: ofMails((known) => known.oldestSeconds),
    group_members: ofView(({ members }) => members.length),
    kept_dead_letters: Object.entries(view?.deadLetters.byReason ?? {}).map(([reason, value]) => ({ labels: { reason }, value })),
    kept_dead_letter_bytes: ofView(({ deadLetters }) => deadLetters.bytes),
  };
}
