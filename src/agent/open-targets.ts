import { pipelinesKind } from '../config/liveness-sinks.ts';
import type { SinkConfig, SinkTarget } from '../config/sink-config.ts';
import { compilePartitionKey } from '../core/partition/grouping-key.ts';
import type { Clock } from '../lib/clock.ts';
import type { LmdbEnvironment } from '../lib/lmdb-environment.ts';
import type { MailAcceptor } from '../model/mail.ts';
import type { DeadLetters } from '../pipeline/dead-letters.ts';
import { HoldingLane } from '../pipeline/holding-lane.ts';
import type { ItemCodec } from '../pipeline/item-codec.ts';
import { type Lane, MemoryLane } from '../pipeline/lane.ts';
import { LocalOutbox } from '../pipeline/local-outbox.ts';
import type { Publisher, PublisherContext } from '../publishers/publisher.ts';
import { loadPublisher } from '../publishers/registry.ts';
import type { Emit } from '../telemetry/events.ts';

export interface TargetContext {
  /** The file behind all holding lanes of this process, opened by the first that needs it. */
  readonly held: () => Promise<LmdbEnvironment>;
  /** Relative paths of targets are meant from here. */
  readonly baseDir: string;
  readonly dataDir?: string | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly codec: ItemCodec;
  readonly deadLetters: DeadLetters;
  /** Where the agent sends mails. */
  readonly mail?: MailAcceptor | null;
  readonly hard: AbortSignal;
  /** What stands in the place of a publisher for outputs that go on in this agent. */
  readonly loopback?: (sink: SinkConfig, target: string) => Publisher;
}

/** The running lanes of one sink. */
export interface SinkTargets<L extends Lane> {
  readonly lanes: readonly L[];
  /** Rejects when a publisher says that it can never work (fatal). */
  readonly ended: Promise<void>;
  /** Ends once what waits in memory is out, or at `hard`. */
  close(): Promise<void>;
}

/** How long a direct sink waits for its target before it holds the output on disk and lets the message be acknowledged. */
const holdAfterMs = 1_000;

/** For sinks with a topic: what a target does not take stands in the outbox of the state, so memory is enough, unless it may spill. */
export function openLanes(sink: SinkConfig, context: TargetContext): Promise<SinkTargets<Lane>> {
  return open(sink, context, async (target, lane) =>
    target.onFull === 'spill' ? await holding(sink, target, lane, context) : lane,
  );
}

/** For direct sinks: the local disk stands behind every target. */
export function openHoldingLanes(sink: SinkConfig, context: TargetContext): Promise<SinkTargets<HoldingLane>> {
  return open(sink, context, (target, lane) => holding(sink, target, lane, context));
}

async function open<L extends Lane>(
  sink: SinkConfig,
  context: TargetContext,
  wrap: (target: SinkTarget, lane: Lane) => Promise<L>,
): Promise<SinkTargets<L>> {
  const { hard } = context;
  const soft = new AbortController();
  const opened = await Promise.all(
    sink.publish.map(async (target) => {
      const publisher = await openPublisher(sink, target, context);
      const lane = await wrap(target, memoryLane(sink, target, publisher, context));
      return { publisher, lane, ended: lane.run({ soft: soft.signal, hard }) };
    }),
  );
  const ended = Promise.all(opened.map((one) => one.ended)).then(() => undefined);
  ended.catch(() => undefined);
  return {
    lanes: opened.map((one) => one.lane),
    ended,
    close: async () => {
      soft.abort(new Error('closing'));
      await ended.catch(() => undefined);
      await Promise.all(opened.map((one) => one.publisher.close()));
    },
  };
}

/** Throws what opening them would throw, and leaves nothing behind. */
export async function tryTargets(sink: SinkConfig, context: TargetContext): Promise<void> {
  for (const target of sink.publish) await (await openPublisher(sink, target, context, true)).close();
}

async function openPublisher(
  sink: SinkConfig,
  target: SinkTarget,
  context: TargetContext,
  onlyToProbe = false,
): Promise<Publisher> {
  if (target.kind === pipelinesKind && context.loopback !== undefined) return context.loopback(sink, target.name);
  const kind = await loadPublisher(target.kind);
  const publisherContext: PublisherContext = {
    name: target.name,
    sink: sink.sink,
    kind: sink.from,
    clock: context.clock,
    random: context.random,
    baseDir: context.baseDir,
    dataDir: context.dataDir,
    ...(onlyToProbe ? { onlyToProbe } : {}),
    partitionKey: compilePartitionKey(sink.partitionBy),
    ...(context.mail === null || context.mail === undefined ? {} : { mail: context.mail }),
  };
  return kind.open(target.parameters, publisherContext);
}

function memoryLane(sink: SinkConfig, target: SinkTarget, publisher: Publisher, context: TargetContext): MemoryLane {
  return new MemoryLane({
    name: target.name,
    sink: sink.sink,
    publisher,
    codec: context.codec,
    deadLetters: context.deadLetters,
    emit: context.emit,
    clock: context.clock,
    random: context.random,
    batch: target.batch,
    maxOutboxBytes: target.maxOutboxBytes,
    onFull: target.onFull === 'drop' ? 'drop' : 'suspend',
  });
}

async function holding(sink: SinkConfig, target: SinkTarget, lane: Lane, context: TargetContext): Promise<HoldingLane> {
  const outbox = await LocalOutbox.open({
    env: await context.held(),
    lane: `${sink.sink}/${target.name}`,
    maxBytes: target.maxOutboxBytes,
  });
  return new HoldingLane({
    lane,
    outbox,
    sink: sink.sink,
    codec: context.codec,
    emit: context.emit,
    clock: context.clock,
    random: context.random,
    maxOutboxBytes: target.maxOutboxBytes,
    onFull: target.onFull,
    holdAfterMs,
  });
}
