import { z } from 'zod';

// The shapes of `/v1`: what is served is typed by them, and openapi.json is printed from them. Fields are added, never changed or taken away
// within version 1. Times are epoch ms, sizes bytes, rates per second over about the last ten seconds.

const count = z.int().min(0);
const rate = z.number().min(0);

export const MemberShape = z
  .object({
    agent: z.string().describe('Its name; stable over restarts when it has a `static_id`.'),
    boot: z.string().describe('Which process of that name.'),
    host: z.string(),
    pid: z.int(),
    build: z.string(),
    weight: z.number(),
    admin: z.string().nullable().describe('Where it serves this same interface, by its own word.'),
    partitions: count.describe('Partitions whose lease it holds.'),
    received: count.describe('Raw messages since its start.'),
    applied: count.describe('Notifications applied to its partitions since its start.'),
    published: count.describe('Items its targets accepted since its start, and those held for them.'),
    deadLetters: count.describe('Dead letters it made since its start.'),
    receivedPerSecond: rate,
    appliedPerSecond: rate,
    publishedPerSecond: rate,
    deadLettersPerSecond: rate,
  })
  .meta({ id: 'Member', description: 'A living agent of the cluster.' });

const TroubleShape = z.object({
  kind: z.enum(['failed', 'gap']).describe('`failed`: it stands still. `gap`: it waits for an entry that is missing.'),
  text: z.string(),
});

export const PartitionShape = z
  .object({
    unit: z.string().describe('Its full name.'),
    sink: z.string(),
    partition: count,
    owner: z.string().nullable().describe('Null when nobody holds a living lease.'),
    boot: z.string().nullable(),
    epoch: count.describe('How often it has changed hands.'),
    expiresInMs: z.number(),
    entries: count.describe('The lag: entries that wait to be applied.'),
    bytes: count,
    boundBytes: count.describe('At so many bytes the inputs wait.'),
    oldestAt: z.number().nullable().describe('When the oldest entry that waits was written, where that is known.'),
    stateVersion: count.describe('Commits so far.'),
    stateKeys: count.nullable().describe('Keys with state, as its owner says; null while nobody does.'),
    outboxItems: count.describe('Outputs that are committed and not yet accepted.'),
    outboxBytes: count,
    trouble: TroubleShape.nullable(),
  })
  .meta({ id: 'Partition', description: 'One partition of a sink.' });

export const SinkShape = z
  .object({
    sink: z.string(),
    from: z.enum(['samples', 'events']).nullable().describe('Null: the agent that answers does not run this sink.'),
    direct: z.boolean().describe('Without topic and partitions.'),
    partitions: count,
    unowned: count.describe('Partitions that nobody runs.'),
    troubled: count.describe('Partitions that say why they do not go on.'),
    entries: count.describe('The lag of all its partitions.'),
    bytes: count,
    fill: z.number().min(0).describe('The fullest partition, as a share of its bound.'),
    outboxItems: count,
    stateKeys: count,
    publishers: z.array(z.string()),
    appliedPerSecond: rate.describe('Notifications applied to its partitions; 0 for a direct sink.'),
    acceptedPerSecond: rate.describe('Items its targets accepted, over all targets and agents.'),
  })
  .meta({ id: 'Sink', description: 'A sink with what it does at the moment, over all agents.' });

export const PublisherShape = z
  .object({
    agent: z.string(),
    sink: z.string(),
    publisher: z.string(),
    kind: z.string(),
    accepted: count.describe('Items since the start of the agent.'),
    acceptedPerSecond: rate,
    retries: count.describe('Failed tries that were repeated, since the start of the agent.'),
    deadLetters: count,
    dropped: count,
    pendingItems: count,
    pendingBytes: count,
    heldItems: count.describe('On the local disk.'),
    heldBytes: count,
    breaker: z.enum(['closed', 'open', 'half-open']),
    failures: count.describe('Failed tries of the batch under way.'),
    lastError: z.string().nullable(),
  })
  .meta({ id: 'Publisher', description: 'A target of a sink in one agent.' });

export const InputShape = z
  .object({
    agent: z.string(),
    input: z.string(),
    kind: z.string(),
    state: z.enum(['starting', 'connected', 'disconnected', 'blocked']),
    detail: z.string().nullable(),
    since: z.number().describe('When it came into this state.'),
  })
  .meta({ id: 'Input', description: 'Where an agent takes notifications from.' });

export const LettersShape = z
  .object({
    letters: count,
    bytes: count,
    evicted: count.describe('Removed at the bound since the log began.'),
    byReason: z.record(z.string(), count),
  })
  .meta({ id: 'DeadLetters', description: 'The dead letters kept in the data directory of the agent that answers.' });

/** What a dead letter says that one may choose it by; what is not given lets every letter through. */
export const letterFields = {
  stage: z.string().optional(),
  reason: z.string().optional(),
  sink: z.string().optional(),
  publisher: z.string().optional(),
  messageId: z.string().optional(),
  says: z.string().optional().describe('Has this in its message.'),
};

export const LetterShape = z
  .object({
    id: z.string(),
    stage: z.string(),
    reason: z.string().describe('A stable word.'),
    message: z.string(),
    sink: z.string().nullable(),
    publisher: z.string().nullable(),
    origin: z.string().nullable(),
    messageId: z.string().nullable(),
    firstSeen: z.number(),
    lastSeen: z.number(),
    times: count.describe('How often the same body failed in the same way.'),
    retries: count.optional().describe('How often somebody had it tried again.'),
    bodyBytes: count,
    truncated: z.boolean().describe('Only the beginning of the body was kept.'),
  })
  .meta({ id: 'DeadLetter', description: 'What nobody could use. Its body is served with the single letter only.' });

export const WholeLetterShape = LetterShape.extend({
  body: z.union([z.object({ text: z.string() }), z.object({ base64: z.string() })]),
}).meta({ id: 'WholeDeadLetter', description: 'A dead letter with its body.' });

export const MailShape = z
  .object({
    states: z.record(z.string(), count).describe('Mails that wait, one per recipient, by state.'),
    digestLines: count,
    bytes: count,
    fill: z.number(),
    oldestSeconds: z.number(),
    servers: z.array(
      z.object({
        name: z.string(),
        away: z.boolean().describe('It is left alone for a while.'),
        alarm: z.string().nullable().describe('It wants another configuration.'),
      }),
    ),
  })
  .meta({ id: 'MailQueue', description: 'The queue of mails of the agent that answers.' });

export const SpoolShape = z
  .object({
    site: z.string(),
    role: z.string(),
    listening: z.string().nullable(),
    waiting: count.describe('Notifications that wait for another site.'),
    deferred: count,
    corrupted: count,
    arrived: count.describe('Arrived and not yet taken by the pipelines.'),
    connections: z.array(
      z.object({
        peer: z.string().nullable(),
        address: z.string(),
        type: z.string(),
        state: z.string(),
        message: z.string().nullable(),
        since: z.number(),
        sent: count,
        received: count,
        pending: count,
      }),
    ),
    missing: z.array(z.string()).describe('Sites that are expected and not connected.'),
  })
  .meta({ id: 'Spool', description: 'The spooler of the agent that answers.' });

export const OverviewShape = z
  .object({
    version: z.literal(1),
    at: z.number(),
    cluster: z.string(),
    servedBy: z.object({ agent: z.string(), boot: z.string(), build: z.string(), reason: z.string().nullable() }),
    members: z.array(MemberShape),
    partitions: z.array(PartitionShape),
    sinks: z.array(SinkShape),
    publishers: z.array(PublisherShape),
    inputs: z.array(InputShape),
    deadLetters: LettersShape,
    mail: MailShape.nullable().describe('Null: no mails are sent.'),
    spool: SpoolShape.nullable().describe('Null: no spooler runs in this agent.'),
  })
  .meta({ id: 'Overview', description: 'All of it, read at one moment.' });

export const PointShape = z
  .object({
    at: z.number(),
    received: rate,
    applied: rate,
    published: rate,
    deadLetters: rate,
    entries: count,
    outboxItems: count,
    members: count,
    unowned: count,
    sinks: z
      .record(z.string(), z.object({ applied: rate, accepted: rate, entries: count }))
      .describe('At most fifty sinks, those of which most comes out.'),
  })
  .meta({ id: 'Point', description: 'A moment of the past, for plots.' });

export type MemberNow = z.infer<typeof MemberShape>;
export type PartitionNow = z.infer<typeof PartitionShape>;
export type SinkNow = z.infer<typeof SinkShape>;
export type PublisherNow = z.infer<typeof PublisherShape>;
export type InputNow = z.infer<typeof InputShape>;
export type MailNow = z.infer<typeof MailShape>;
export type SpoolNow = z.infer<typeof SpoolShape>;
export type LetterStats = z.infer<typeof LettersShape>;
export type LetterNow = z.infer<typeof LetterShape>;
export type WholeLetter = z.infer<typeof WholeLetterShape>;
export type Overview = z.infer<typeof OverviewShape>;
export type Point = z.infer<typeof PointShape>;
