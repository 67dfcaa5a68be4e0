import { row } from './row.ts';

/**
 * Everything this program tells. One line each: name, facts, log level, sentence, metrics. The type of `emit`, the logs and the
 * metrics come from here, and tests listen to the same events. Sentences are constant; what varies are the facts.
 */
export const events = {
  'agent:started': row<{ version: string }>('info', 'The agent has started.', {
    gauge: 'build_info',
    help: 'Always 1; the version is a label.',
    labels: ['version'],
  }),
  'agent:stopping': row<{ reason: string }>('info', 'The agent takes no more and drains what it has.'),
  'agent:stopped': row<{ seconds: number }>('info', 'The agent has stopped.'),
  'admin:listening': row<{ address: string }>('info', 'Health, status and metrics are served.'),
  'agent:hanging': row<{ what: string; phase: string }>('warn', 'Something has not ended in time; we leave without it.'),
  'loop:ended': row<{ loop: string; error: unknown }>('error', 'A part that should run for ever has ended; the agent stops.'),

  'config:reloaded': row<{
    added: number;
    changed: number;
    removed: number;
    unchanged: number;
    conversion: boolean;
    success: number;
  }>('info', 'The configuration was loaded anew; sinks that are the same went on.', {
    gauge: 'config_last_reload_success',
    help: '1 when the last reload was taken up, 0 when the configuration of before went on; no line before the first reload.',
    value: 'success',
  }),
  'config:not-reloaded': row<{ problem: string; problems: number; success: number }>(
    'error',
    'The configuration cannot be taken up; the one of before goes on.',
    {
      gauge: 'config_last_reload_success',
      help: '1 when the last reload was taken up, 0 when the configuration of before went on; no line before the first reload.',
      value: 'success',
    },
  ),

  'worker-process:ended': row<{ index: number; code: string; retryInMs: number }>(
    'error',
    'A worker process has ended; it is started again.',
  ),

  'liveness:inventory': row<{ hosts: number; changed: number }>(
    'info',
    'The hosts that are expected to report were read; what changed is told to the partitions that are ours.',
    { gauge: 'liveness_inventory_hosts', help: 'Hosts that are expected to report.', value: 'hosts' },
  ),
  'liveness:told': row<{ type: string }>('debug', 'Pipelines were told of a host.', {
    counter: 'liveness_events_total',
    help: 'What pipelines were told of hosts.',
    labels: ['type'],
  }),
  'liveness:inventory-refused': row<{ error: unknown }>('error', 'The inventory cannot be used; the one of before stays.', {
    counter: 'liveness_inventory_refused_total',
    help: 'Inventories that could not be used.',
  }),

  'livestatus:listening': row<{ site: string; socket: string }>('info', 'Clients of the site may connect.'),
  'livestatus:reloaded': row<{ added: number; removed: number; changed: number; kept: number }>(
    'info',
    'The configuration was read again; sites that are the same keep their channels.',
  ),
  'livestatus:not-reloaded': row<{ error: string }>('error', 'The configuration cannot be used; the one of before stays.'),
  'livestatus:state-unwritten': row<{ site: string; error: string }>('warn', 'The state file cannot be written.'),
  'livestatus:ready': row<{ site: string; server: string; address: string }>('info', 'The site answers.', {
    counter: 'livestatus_ready_total',
    help: 'Times a site began to answer.',
    labels: ['site'],
  }),
  'livestatus:suspect': row<{ site: string; error: string }>(
    'warn',
    'The site did not answer its heartbeat; it is asked once more on a new connection.',
    { counter: 'livestatus_suspect_total', help: 'Heartbeats without an answer.', labels: ['site'] },
  ),
  'livestatus:dead': row<{ site: string; error: string }>(
    'error',
    'The site is dead: its channels are dropped, clients are told at once, it is tried again.',
    { counter: 'livestatus_dead_total', help: 'Times a site was found dead.', labels: ['site'] },
  ),
  'livestatus:overloaded': row<{ site: string; channels: number; error: string }>(
    'warn',
    'The site answers queries but its heartbeat late: it gets half as many at once.',
    { counter: 'livestatus_overloaded_total', help: 'Times the channels of a site were halved.', labels: ['site'] },
  ),
  'livestatus:policy': row<{ site: string; mode: string; channels: number; reason: string }>(
    'info',
    'How the site is connected to has been learned.',
    { gauge: 'livestatus_channel_limit', help: 'Channels that may be in use at once.', labels: ['site'], value: 'channels' },
  ),
  'livestatus:refused': row<{ site: string; code: number; error: string }>(
    'warn',
    'A client was answered by us instead of the site.',
    { counter: 'livestatus_refused_total', help: 'Requests that we answered with an error of ours.', labels: ['site', 'code'] },
  ),
  'livestatus:cut-off': row<{ site: string; error: string }>(
    'warn',
    'The answer of the site broke off; its client was cut off.',
    { counter: 'livestatus_cut_off_total', help: 'Answers that broke off in the middle.', labels: ['site'] },
  ),
  'livestatus:query': row<{
    site: string;
    trace: string;
    table: string;
    outcome: string;
    code: number;
    bytes: number;
    seconds: number;
  }>(
    'debug',
    'A request has come to its end.',
    { counter: 'livestatus_requests_total', help: 'Requests by how they ended.', labels: ['site', 'outcome'] },
    {
      histogram: 'livestatus_request_seconds',
      help: 'From the whole request to the last byte of its answer.',
      labels: ['site'],
      value: 'seconds',
    },
  ),

  'input:connected': row<{ input: string; detail: string }>('info', 'The input is connected.', {
    counter: 'input_connects_total',
    help: 'Connections made.',
    labels: ['input'],
  }),
  'input:disconnected': row<{ input: string; detail: string; retryInMs: number }>(
    'warn',
    'The input has lost its source and will connect again.',
    { counter: 'input_disconnects_total', help: 'Connections lost.', labels: ['input'] },
  ),
  'input:blocked': row<{ input: string; detail: string }>('warn', 'The broker blocks us; we wait.'),
  'input:unblocked': row<{ input: string; detail: string }>('info', 'The broker lets us go on.'),
  'feed:late': row<{ sink: string; input: string; ageMs: number }>(
    'warn',
    'An input has not shown that it lives; partition time stands still.',
    { counter: 'feed_late_total', help: 'Times an input was late.', labels: ['sink', 'input'] },
  ),

  'spooler:setting': row<{ file: string; note: string }>('warn', 'Something in settings of Checkmk is not done as written.'),
  'spooler:listening': row<{ address: string }>('info', 'The spooler listens.'),
  'spooler:cannot_listen': row<{ address: string; error: unknown }>('error', 'The spooler cannot listen; it tries again.', {
    counter: 'spooler_listen_errors_total',
    help: 'Times the spooler could not listen.',
  }),
  'spooler:connected': row<{ connection: string; peer: string }>('info', 'Another site is connected.', {
    counter: 'spooler_connects_total',
    help: 'Connections with other sites.',
  }),
  'spooler:lost': row<{ connection: string; reason: string }>('warn', 'A connection with another site is lost.', {
    counter: 'spooler_losses_total',
    help: 'Connections with other sites that were lost, or never came about.',
  }),
  'spooler:cannot_write': row<{ error: unknown }>('error', 'The spool cannot be written; nothing is acknowledged until it can.', {
    counter: 'spooler_write_errors_total',
    help: 'Writes of the spool that failed.',
  }),

  'partition:acquired': row<{ partition: string; epoch: number }>('info', 'We own the partition now.', {
    counter: 'partition_acquired_total',
    help: 'Partitions taken over.',
  }),
  'partition:released': row<{ partition: string; epoch: number }>('info', 'The partition is given on.', {
    counter: 'partition_released_total',
    help: 'Partitions given on.',
  }),
  'partition:fenced': row<{ partition: string; epoch: number }>(
    'warn',
    'The partition is no longer ours; its work is dropped and another agent does it again.',
    { counter: 'partition_fenced_total', help: 'Times a partition was found to be no longer ours.' },
  ),
  'partition:suspended': row<{ partition: string; reason: string; error?: unknown }>(
    'warn',
    'The partition waits and will be tried again.',
    { counter: 'partition_suspended_total', help: 'Times a partition had to wait.', labels: ['reason'] },
  ),
  'partition:stopped': row<{ partition: string; reason: string; error?: unknown }>(
    'error',
    'The partition stands still until an operator decides.',
    { counter: 'partition_stopped_total', help: 'Times a partition stopped for an operator.', labels: ['reason'] },
  ),

  'partition:restored': row<{ partition: string; version: number; keys: number; outbox: number }>(
    'info',
    'The partition is restored and runs.',
  ),
  'partition:gap': row<{ partition: string; held: number }>(
    'warn',
    'An entry is missing before others of its listener; they are held until it comes.',
    { counter: 'partition_gap_total', help: 'Entries held because one before them was missing.' },
  ),
  'partition:gap-closed': row<{ partition: string }>(
    'debug',
    'What was missing came, or was given up; nothing is held any more.',
  ),
  'partition:passed-over': row<{ partition: string; listener: string; entries: number }>(
    'warn',
    'Entries of a listener did not come in time; the partition goes on without them, and takes them late should they come.',
    { counter: 'partition_passed_over_total', help: 'Times a partition went on without entries that were missing.' },
  ),
  'partition:written-back': row<{ partition: string; version: number }>(
    'warn',
    'Redis had lost the state of this partition; it was written back from memory.',
    { counter: 'partition_written_back_total', help: 'Partitions that were written back to a Redis that had lost them.' },
  ),
  'partition:went-back': row<{ partition: string; version: number; found: number; commits: number }>(
    'error',
    'Redis has less of this partition than it once said it has, as a promoted replica or a file without its end: those commits are lost.',
    { counter: 'lost_commits_total', help: 'Commits that Redis had answered and no longer has.', value: 'commits' },
  ),
  'plan:committed': row<{ version: number; members: number }>('info', 'A new plan says who runs which partition.', {
    counter: 'plans_total',
    help: 'Plans this agent committed.',
  }),
  'group:unreachable': row<{ error: unknown }>('warn', 'The coordination does not answer; we try again.', {
    counter: 'group_errors_total',
    help: 'Rounds of the assignment loop that failed.',
  }),
  'group:founded': row<{ id: string }>('info', 'Nobody was here before: the cluster begins.'),
  'group:recovered': row<{ incarnation: number; floor: number; lost: boolean }>(
    'warn',
    'Redis was started anew; every lease begins again, above everything that was ever granted.',
    { counter: 'group_recoveries_total', help: 'Recoveries of the coordination this agent made.' },
  ),
  'group:rejected': row<{ what: string; where: string; reason: string; kid: string }>(
    'warn',
    'Something in the coordination store is signed by nobody of us; it does not count.',
    { counter: 'group_rejected_total', help: 'Records without a signature of ours.', labels: ['what', 'reason'] },
  ),
  'redis:connected': row<Record<string, never>>('info', 'Redis answers.'),
  'redis:disconnected': row<{ error: unknown }>('warn', 'Redis does not answer. Listeners go on, partitions wait.', {
    counter: 'redis_disconnects_total',
    help: 'Connections to Redis that failed or were lost.',
  }),
  'broker:connected': row<{ connection: string; broker: string }>('info', 'The broker of the internal topics is connected.'),
  'broker:disconnected': row<{ connection: string; error: unknown; retryInMs: number }>(
    'warn',
    'The broker of the internal topics is away; what is not confirmed is sent again.',
    {
      counter: 'broker_disconnects_total',
      help: 'Connections to the broker of the internal topics that were lost.',
      labels: ['connection'],
    },
  ),
  'broker:blocked': row<{ connection: string; reason: string }>(
    'warn',
    'The broker has no memory or disk left and takes nothing; we wait.',
    {
      counter: 'broker_blocked_total',
      help: 'Times the broker of the internal topics took nothing more.',
      labels: ['connection'],
    },
  ),
  'broker:unblocked': row<{ connection: string }>('info', 'The broker takes again.'),
  'topic:bounded': row<{ partition: string }>('warn', 'The partition holds as much as it may; its inputs wait.', {
    counter: 'topic_bounded_total',
    help: 'Times a partition refused more.',
  }),
  'topic:room': row<{ partition: string }>('info', 'The partition takes again.'),
  'topic:resent': row<{ why: string; entries: number; error: unknown }>(
    'warn',
    'Entries were not confirmed as they should; they are sent again over a new channel.',
    {
      counter: 'topic_resent_entries_total',
      help: 'Entries sent again because they were not confirmed.',
      labels: ['why'],
      value: 'entries',
    },
  ),
  'topic:detached': row<{ partition: string; error: unknown }>(
    'warn',
    'The partition is not delivered any more; we attach again.',
    {
      counter: 'topic_detached_total',
      help: 'Times the delivery of a partition was cut.',
    },
  ),
  'topic:attached': row<{ partition: string }>('debug', 'The partition is delivered.'),
  'topic:untrimmed': row<{ topic: string; error: unknown }>(
    'warn',
    'What is settled could not be deleted from the topic; the next trim makes up for it.',
    {
      counter: 'topic_untrimmed_total',
      help: 'Times what is settled could not be deleted from a topic of Kafka.',
      labels: ['topic'],
    },
  ),
  'topic:refused': row<{ partition: string; reason: string }>(
    'warn',
    'An entry was not written by one of us; it becomes a dead letter.',
    { counter: 'topic_refused_total', help: 'Entries without a signature of ours.' },
  ),

  'publish:accepted': row<{ sink: string; publisher: string; items: number; bytes: number; seconds: number }>(
    'trace',
    'The target has the batch.',
    { counter: 'published_total', help: 'Items a target accepted.', labels: ['sink', 'publisher'], value: 'items' },
    { counter: 'published_bytes_total', help: 'Their bytes as JSON Lines.', labels: ['sink', 'publisher'], value: 'bytes' },
    {
      histogram: 'publish_seconds',
      help: 'How long the target took, the last try only.',
      labels: ['sink', 'publisher'],
      value: 'seconds',
    },
  ),
  'publish:retry': row<{ sink: string; publisher: string; attempt: number; retryInMs: number; error: unknown }>(
    'warn',
    'The target did not take the batch; it will be tried again.',
    { counter: 'publish_retries_total', help: 'Failed tries that are repeated.', labels: ['sink', 'publisher'] },
  ),
  'deadletter:retried': row<{ reason: string; outcome: 'given on' | 'failed again' | 'refused'; error?: unknown }>(
    'info',
    'A dead letter was tried again.',
    { counter: 'dead_letters_retried_total', help: 'Dead letters that were tried again.', labels: ['reason', 'outcome'] },
  ),
  'publish:dead-letter': row<{ sink: string; publisher: string; reason: string; items: number; error: unknown }>(
    'warn',
    'The target will never take these items; they became dead letters and the next go on.',
    {
      counter: 'publish_dead_letters_total',
      help: 'Items that became dead letters.',
      labels: ['sink', 'publisher', 'reason'],
      value: 'items',
    },
  ),
  'publish:dropped': row<{ sink: string; publisher: string; reason: string; items: number }>(
    'warn',
    'Items were dropped because the target is full, as configured.',
    {
      counter: 'publish_dropped_total',
      help: 'Items dropped at the bound.',
      labels: ['sink', 'publisher', 'reason'],
      value: 'items',
    },
  ),
  'publish:held': row<{ sink: string; publisher: string; items: number; bytes: number }>(
    'debug',
    'Items wait on the local disk for their target.',
    { counter: 'publish_held_total', help: 'Items held on the local disk.', labels: ['sink', 'publisher'], value: 'items' },
  ),
  'publish:full': row<{ sink: string; publisher: string; bytes: number }>('warn', 'As much as allowed waits for the target.', {
    counter: 'publish_full_total',
    help: 'Times the bound was reached.',
    labels: ['sink', 'publisher'],
  }),
  'publish:room': row<{ sink: string; publisher: string; bytes: number }>('info', 'The target takes again, there is room.'),
  'publish:pending': row<{ sink: string; publisher: string; items: number; bytes: number }>(
    'trace',
    'What waits for the target.',
    { gauge: 'publish_pending_items', help: 'Items waiting for the target.', labels: ['sink', 'publisher'], value: 'items' },
    { gauge: 'publish_pending_bytes', help: 'Bytes waiting for the target.', labels: ['sink', 'publisher'], value: 'bytes' },
  ),
  'breaker:opened': row<{ sink: string; publisher: string; openMs: number }>(
    'warn',
    'The target failed too often in a row; it is left alone for a while.',
    { gauge: 'breaker_open', help: '1 while a target is left alone.', labels: ['sink', 'publisher'] },
  ),
  'breaker:closed': row<{ sink: string; publisher: string; open: 0 }>('info', 'The target works again.', {
    gauge: 'breaker_open',
    help: '1 while a target is left alone.',
    labels: ['sink', 'publisher'],
    value: 'open',
  }),
  'mail:delivered': row<{ server: string; mails: number }>('trace', 'A mail server has taken a mail for good.', {
    counter: 'mail_delivered_total',
    help: 'Mails, one per recipient, that a server took.',
    labels: ['server'],
    value: 'mails',
  }),
  'mail:deferred': row<{ server: string; to: string; said: string }>('info', 'A mail is not taken now; it is tried again.', {
    counter: 'mail_deferred_total',
    help: 'Tries that ended with another try later.',
    labels: ['server'],
  }),
  'mail:uncertain': row<{ server: string; to: string; said: string }>(
    'warn',
    'A mail server fell silent after the end of a mail: it may have it. It is sent again, or held, as configured.',
    { counter: 'mail_uncertain_total', help: 'Mails that may have arrived before they were sent again.', labels: ['server'] },
  ),
  'mail:failed': row<{ reason: string; to: string; said: string }>('warn', 'A mail is given up; it became a dead letter.', {
    counter: 'mail_failed_total',
    help: 'Mails, one per recipient, that were given up.',
    labels: ['reason'],
  }),
  'mail:server-away': row<{ server: string; stage: string; said: string; forMs: number }>(
    'warn',
    'A mail server does not work; it is left alone for a while and the next one is used.',
    {
      gauge: 'mail_server_away_ms',
      help: 'How long a mail server is left alone; 0 when it works.',
      labels: ['server'],
      value: 'forMs',
    },
  ),
  'mail:server-back': row<{ server: string; forMs: 0 }>('info', 'The mail server works again.', {
    gauge: 'mail_server_away_ms',
    help: 'How long a mail server is left alone; 0 when it works.',
    labels: ['server'],
    value: 'forMs',
  }),
  'mail:alarm': row<{ server: string; reason: string; alarm: 1 }>(
    'error',
    'A mail server wants another configuration (credentials, TLS, sender). Mails stay; they go out once it is mended.',
    {
      gauge: 'mail_server_alarm',
      help: '1 while a mail server wants another configuration.',
      labels: ['server'],
      value: 'alarm',
    },
  ),
  'mail:alarm-over': row<{ server: string; alarm: 0 }>('info', 'The mail server takes our mails again.', {
    gauge: 'mail_server_alarm',
    help: '1 while a mail server wants another configuration.',
    labels: ['server'],
    value: 'alarm',
  }),
  'mail:recovered': row<{ mails: number }>(
    'warn',
    'Mails were being sent when the process before us ended; they may have arrived and are sent again, or held, as configured.',
    { counter: 'mail_recovered_total', help: 'Mails found as being sent at a start.', value: 'mails' },
  ),
  'mail:known': row<{ mails: number }>(
    'info',
    'These mails are accepted already, by this agent or another; nothing is left to do.',
    {
      counter: 'mail_known_total',
      help: 'Mails that came again when this agent or another had accepted them.',
      value: 'mails',
    },
  ),
  'mail:unshared': row<{ mails: number; error: unknown }>(
    'warn',
    'Other agents could not be asked or told about accepted mails; such a mail comes twice if its output is published again.',
    { counter: 'mail_unshared_total', help: 'Mails that were accepted without asking or telling other agents.', value: 'mails' },
  ),
  'mail:stalled': row<{ error: unknown }>('error', 'The mail queue cannot go on (disk?); it tries again.', {
    counter: 'mail_stalled_total',
    help: 'Times the delivery of mails failed by itself and began anew.',
  }),
} as const;

export type EventName = keyof typeof events;
export type Facts<E extends EventName> = NonNullable<(typeof events)[E]['facts']>;
export type Emit = <E extends EventName>(name: E, facts: Facts<E>) => void;
