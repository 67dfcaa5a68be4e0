/**
 * Metrics that are read when somebody asks: what is counted anyway, or stands in a store. The way of a message pays nothing for them.
 * What is told as it happens is in `events.ts`. Names without the prefix.
 */
export interface Reading {
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly labels?: readonly string[];
}

const ofPartition = ['sink', 'partition'] as const;

export const readings = {
  received_total: { kind: 'counter', help: 'Raw messages taken from inputs.' },
  converted_samples_total: { kind: 'counter', help: 'Samples made of them.' },
  converted_events_total: { kind: 'counter', help: 'Events made of them.' },
  appended_entries_total: { kind: 'counter', help: 'Entries that internal topics confirmed.' },
  applied_notifications_total: { kind: 'counter', help: 'Notifications applied to partitions.' },
  sink_applied_notifications_total: {
    kind: 'counter',
    help: 'Notifications applied to partitions of the sink; a direct sink has none.',
    labels: ['sink'],
  },
  repeated_notifications_total: { kind: 'counter', help: 'Notifications that came again and were known by their id.' },
  dropped_items_total: { kind: 'counter', help: 'Items that transformers dropped with a reason.' },
  dead_letters_total: { kind: 'counter', help: 'Dead letters made by listeners, workers and direct sinks.' },
  failed_proofs_total: { kind: 'counter', help: 'Times an acknowledgement could not be proven; ids are kept longer then.' },
  abandoned_notifications_total: {
    kind: 'counter',
    help: 'Notifications given back because their source may have given them to another listener meanwhile.',
  },

  stores_answer: { kind: 'gauge', help: '0 when the stores do not answer; what follows of them has no line then.' },
  partitions_owned: { kind: 'gauge', help: 'Partitions this agent owns.' },
  partition_epoch: { kind: 'gauge', help: 'How often the partition has changed hands.', labels: ofPartition },
  partition_waiting_entries: { kind: 'gauge', help: 'Entries that wait to be applied.', labels: ofPartition },
  partition_waiting_bytes: { kind: 'gauge', help: 'Their bytes.', labels: ofPartition },
  partition_bound_bytes: { kind: 'gauge', help: 'At so many bytes the inputs wait.', labels: ofPartition },
  partition_outbox_items: { kind: 'gauge', help: 'Outputs that are committed and not yet accepted.', labels: ofPartition },
  partitions_without_owner: { kind: 'gauge', help: 'Partitions of the whole cluster that nobody runs.' },
  partitions_in_trouble: { kind: 'gauge', help: 'Partitions of the whole cluster that say why they do not go on.' },

  livestatus_site_up: { kind: 'gauge', help: '1 while the site answers its heartbeats.', labels: ['site'] },
  livestatus_channels: { kind: 'gauge', help: 'Connections to the site by state.', labels: ['site', 'state'] },
  livestatus_clients: { kind: 'gauge', help: 'Clients of the site by what they wait for.', labels: ['site', 'state'] },
  livestatus_heartbeat_seconds: {
    kind: 'gauge',
    help: 'How long the site usually takes to answer a heartbeat.',
    labels: ['site'],
  },
  livestatus_cached_answers: { kind: 'gauge', help: 'Answers that are kept, where that is switched on.', labels: ['site'] },

  mail_queue_deliveries: { kind: 'gauge', help: 'Mails that wait, one per recipient.', labels: ['state'] },
  mail_queue_digest_lines: { kind: 'gauge', help: 'Mails that are gathered for a digest.' },
  mail_queue_bytes: { kind: 'gauge', help: 'Bytes of what waits.' },
  mail_queue_fill: { kind: 'gauge', help: 'Share of its bound, 0 to 1; from 0.8 on new mails are gathered, at 1 sinks wait.' },
  mail_queue_oldest_seconds: { kind: 'gauge', help: 'Age of the oldest mail that waits.' },

  group_members: { kind: 'gauge', help: 'Living agents of the cluster.' },
  kept_dead_letters: { kind: 'gauge', help: 'Dead letters that are kept on this data directory.', labels: ['reason'] },
  kept_dead_letter_bytes: { kind: 'gauge', help: 'Their bytes.' },
} as const satisfies Readonly<Record<string, Reading>>;

export type ReadingName = keyof typeof readings;

export interface Read {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Nothing was read: for who shows a few of them only. */
export const noReadings = Object.fromEntries(Object.keys(readings).map((name) => [name, []])) as unknown as Readings;

/** What was read: every metric, with as many label values as there are now. */
export type Readings = Readonly<Record<ReadingName, readonly Read[]>>;
