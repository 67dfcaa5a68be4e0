import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { AgentConfig, InputConfig } from '../config/agent-config.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import type { AgentIdentity, LeaseToken, Member } from '../coordination/group.ts';
import type { Converter } from '../core/convert/converter.ts';
import { createRouter } from '../core/route/router.ts';
import type { Delivery, Input, InputKind } from '../inputs/input.ts';
import { inputs } from '../inputs/registry.ts';
import type { Clock } from '../lib/clock.ts';
import { LmdbEnvironment } from '../lib/lmdb-environment.ts';
import { aborted } from '../lib/or-aborted.ts';
import { AssignmentLoop } from '../pipeline/assignment-loop.ts';
import { feedsOf } from '../pipeline/canary.ts';
import { runCanaryLoop } from '../pipeline/canary-loop.ts';
import { DeadLetters } from '../pipeline/dead-letters.ts';
import { DirectSink } from '../pipeline/direct-sink.ts';
import type { HoldingLane } from '../pipeline/holding-lane.ts';
import { insist } from '../pipeline/insist.ts';
import { Intake } from '../pipeline/intake.ts';
import type { ItemCodec } from '../pipeline/item-codec.ts';
import type { Lane } from '../pipeline/lane.ts';
import { runListener } from '../pipeline/listener.ts';
import { Recorder } from '../pipeline/recorder.ts';
import { Sequencer } from '../pipeline/sequencer.ts';
import { sinkChain } from '../pipeline/sink-chain.ts';
import { createTally } from '../pipeline/tally.ts';
import { runTickLoop } from '../pipeline/tick-loop.ts';
import type { ListenerSink } from '../pipeline/work.ts';
import { runWorker } from '../pipeline/worker.ts';
import type { Emit } from '../telemetry/events.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';
import { readClusterView } from './cluster-view.ts';
import { makeIdentity } from './identity.ts';
import { MailService } from './mail-service.ts';
import { openAdmin, type Scrape } from './open-admin.ts';
import { openSpooler } from './open-spooler.ts';
import { openHoldingLanes, openLanes, type SinkTargets } from './open-targets.ts';
import { openPlaces, type Places } from './places.ts';
import { assignmentReporter, workerReporter } from './reporters.ts';
import { leaveInOrder } from './shutdown.ts';
import { agreeOnLayouts, needsTime, runsDirect } from './sink-runtime.ts';

/**
 * One agent: the place where every part meets and nothing is decided. `start` opens from the bottom up (stores, topics, targets,
 * workers, listeners), `stop` leaves in the order of `shutdown.ts`.
 */
export interface AgentOptions {
  readonly config: AgentConfig;
  readonly sinks: readonly SinkConfig[];
  readonly converter: Converter;
  readonly codec: ItemCodec;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly random: () => number;
  readonly version: string;
  /** Inputs that only one process of several may open (a port, a file) are left out in the others. */
  readonly exclusiveInputs: boolean;
  /** Only computes and publishes what waits in the topics: opens no input, and makes no entries that would wait there in their turn. */
  readonly drains?: boolean;
  /** Prints the metrics for `admin.listen`; without it nothing is served. */
  readonly scrape?: Scrape;
}

export interface RunningAgent {
  readonly identity: AgentIdentity;
  /** Rejects when a part that should run for ever has failed. */
  readonly failed: Promise<never>;
  stop(reason: string): Promise<void>;
}

const maxBatch = 500;
/** With direct sinks alone, waiting only saves writes; below this rate there are few to save. */
const crowded = 16;
const intakeBound = 2_000;
const intakeBytes = { max: 64 * 1024 * 1024, of: (delivery: Delivery) => delivery.body.length };
/** Kinds that listen on a port, keep a place in a file, or read what one process alone may hand out. */
const exclusiveKinds = new Set(['http', 'file', 'spool']);

interface TopicSink {
  readonly config: SinkConfig;
  readonly refs: readonly PartitionRef[];
  readonly lanes: SinkTargets<Lane>;
  readonly needsTime: boolean;
  readonly recorder: Recorder | null;
}

/** Throws what the start fails with, and leaves nothing running then: one timer would keep a process that has nothing to do. */
export async function startAgent(options: AgentOptions): Promise<RunningAgent> {
  const hard = new AbortController();
  const opened: (() => Promise<unknown>)[] = [];
  try {
    return await openAll(options, hard, opened);
  } catch (error) {
    hard.abort(error);
    for (const close of opened.reverse()) await close().catch(() => undefined); // what the start failed with is what to tell
    throw error;
  }
}

/** Whatever goes on after this function, its end is in `opened`, in the order of opening. */
async function openAll(options: AgentOptions, hard: AbortController, opened: (() => Promise<unknown>)[]): Promise<RunningAgent> {
  const { config, clock, emit } = options;
  const identity = makeIdentity(config.agent.staticId);
  const startedAt = clock.monotonic();
  const soft = new AbortController();
  // Every lane, listener and partition waits under these two; that is many, not a leak.
  setMaxListeners(0, soft.signal, hard.signal);
  const tally = createTally();
  const facts: Record<string, string> = {};
  const places = await openPlaces({ config, clock, random: options.random, emit });
  opened.push(() => places.close());
  const deadLetters = await DeadLetters.open({ directory: join(config.dataDir, 'dead-letters'), clock });
  opened.push(() => deadLetters.close());
  const mail = await MailService.open({ ...options, deadLetters, hard: hard.signal });
  opened.push(() => mail.close());
  const look = () => readClusterView(places, config.cluster, deadLetters.stats());
  const admin = await openAdmin({ ...options, identity, tally, look });
  opened.push(() => admin.close());
  if (admin.address !== null) facts['admin'] = admin.address;
  let heldFile: Promise<LmdbEnvironment> | null = null;
  opened.push(async () => (await heldFile)?.close());
  const context = {
    held: () => {
      heldFile ??= LmdbEnvironment.open({ directory: join(config.dataDir, 'held'), clock });
      return heldFile;
    },
    baseDir: config.baseDir,
    dataDir: config.dataDir,
    clock,
    random: options.random,
    emit,
    codec: options.codec,
    deadLetters,
    mail: mail.queue,
    hard: hard.signal,
  };

  // One process of several holds the connections; the publishers of all of them spool.
  const spooler =
    config.spooler === null || !options.exclusiveInputs ? null : await openSpooler(options, config.spooler, hard.signal);
  opened.push(async () => spooler?.close());

  const unreachable = (error: unknown): never => {
    emit('group:unreachable', { error });
    throw error;
  };

  const withTopic = options.sinks.filter((sink) => !runsDirect(sink, config));
  const layouts = await insist(clock, hard.signal, () =>
    agreeOnLayouts(places, withTopic, config, randomUUID()).catch(unreachable),
  );
  const direct = new Map<SinkConfig, DirectSink>();
  const directTargets: SinkTargets<HoldingLane>[] = [];
  const topicSinks: TopicSink[] = [];
  for (const sink of options.sinks) {
    if (!layouts.has(sink)) {
      const targets = await openHoldingLanes(sink, context);
      opened.push(() => targets.close());
      directTargets.push(targets);
      direct.set(sink, new DirectSink(sinkChain(config.cluster, sink), targets.lanes, deadLetters, sink.sink, tally));
      continue;
    }
    const refs = layouts.get(sink) ?? [];
    const lanes = await openLanes(sink, context);
    opened.push(() => lanes.close());
    topicSinks.push({
      config: sink,
      refs,
      lanes,
      needsTime: needsTime(sink, config.cluster),
      recorder: sink.record === null ? null : new Recorder(sink.record),
    });
  }

  const member = (): Member => ({
    ...identity,
    weight: config.agent.weight,
    protocol: 1,
    build: options.version,
    host: hostname(),
    pid: process.pid,
    facts: { ...facts, ...Object.fromEntries(Object.entries(tally).map(([name, count]) => [name, String(count)])) },
  });
  const assignment = startAssignment(options, identity, places, topicSinks, member, { tally, deadLetters, hard: hard.signal });
  opened.push(() => assignment.stop());
  const ticking = startTicks(options, places, options.drains === true ? [] : topicSinks, assignment.loop, soft.signal);
  ticking.catch((error: unknown) => emit('loop:ended', { loop: 'ticks', error }));
  opened.push(async () => soft.abort(new Error('the start failed')));
  const canaries = topicSinks.some((sink) => sink.needsTime);

  const listenerSinks = options.sinks.map((sink): ListenerSink => {
    const directly = direct.get(sink);
    if (directly !== undefined) return { kind: 'direct', direct: directly };
    const topicSink = topicSinks.find((other) => other.config === sink) as TopicSink;
    return { kind: 'topic', partitions: topicSink.refs, canaries: topicSink.needsTime };
  });
  const router = createRouter(options.sinks);
  const given = { soft: soft.signal, hard: hard.signal, facts, canaries };
  const listen =
    (input: InputConfig, index: number, awaited: readonly string[]) => async (intake: Intake<Delivery>, opened: Input) =>
      runListener(
        {
          name: input.name,
          intake,
          input: opened,
          feeds: awaited,
          converter: options.converter,
          router,
          sinks: listenerSinks,
          appender: await places.topics.openAppender(),
          sequencer: new Sequencer(`${identity.boot}.${index}`),
          deadLetters,
          tally,
          clock,
          maxBatch,
          lingerMs: config.timing.lingerMs,
          lingerFrom: topicSinks.length === 0 ? crowded : 0,
          limits: config.limits,
        },
        hard.signal,
      );
  const listeners = await Promise.all(
    config.inputs
      .filter(() => options.drains !== true)
      .filter((input) => options.exclusiveInputs || !exclusiveKinds.has(input.kind))
      .map((input, index) => startListener(options, input, given, listen(input, index, feeds(input)))),
  );
  if (mail.reports !== null) {
    const reports = { kind: mail.reports.name, name: mail.reports.name, parameters: null };
    listeners.push(
      await startListener(
        options,
        reports,
        { ...given, canaries: false },
        listen(reports, config.inputs.length, []),
        mail.reports,
      ),
    );
  }
  emit('agent:started', { version: options.version });
  admin.health.running();

  const inputsEnded = Promise.all(listeners.map((listener) => listener.ended)).then(() => undefined);
  // An input that ends (a file read once) ends nothing else; a part that fails ends the agent.
  const failed = new Promise<never>((_, reject) => {
    inputsEnded.catch(reject);
    assignment.ended.catch(reject);
    ticking.catch(reject);
    spooler?.ended.catch(reject);
    mail.ended.catch(reject);
    for (const targets of [...directTargets, ...topicSinks.map((sink) => sink.lanes)]) targets.ended.catch(reject);
  });
  failed.catch(() => admin.health.ailing('a part that should run for ever has failed'));

  let stopping: Promise<void> | null = null;
  const stop = async (reason: string): Promise<void> => {
    emit('agent:stopping', { reason });
    admin.health.ailing('stopping');
    soft.abort(new Error(reason));
    const hung = await leaveInOrder(
      [
        {
          name: 'inputs and listeners',
          end: async () => void (await Promise.all(listeners.map((listener) => listener.settled))),
        },
        { name: 'direct targets', end: async () => void (await Promise.all(directTargets.map((targets) => targets.close()))) },
        { name: 'workers', end: () => assignment.stop() },
        { name: 'ticks', end: () => ticking.catch(() => undefined) },
        { name: 'lanes', end: async () => void (await Promise.all(topicSinks.map((sink) => sink.lanes.close()))) },
        { name: 'mails', end: () => mail.leave() },
        { name: 'inputs', end: async () => void (await Promise.all(listeners.map((listener) => listener.close()))) },
        { name: 'spooler', end: async () => spooler?.close() },
        { name: 'admin', end: () => admin.close() },
        {
          name: 'stores',
          end: async () =>
            void (await Promise.all([mail.close(), deadLetters.close(), places.close(), heldFile?.then((file) => file.close())])),
        },
      ],
      hard,
      config.timing.drainMs,
      clock,
    );
    for (const phase of hung) emit('agent:hanging', { what: phase, phase });
    emit('agent:stopped', { seconds: (clock.monotonic() - startedAt) / 1000 });
  };
  return {
    identity,
    failed,
    stop: (reason) => {
      stopping ??= stop(reason);
      return stopping;
    },
  };
}

interface Shared {
  readonly tally: ReturnType<typeof createTally>;
  readonly deadLetters: DeadLetters;
  readonly hard: AbortSignal;
}

function startAssignment(
  options: AgentOptions,
  identity: AgentIdentity,
  places: Places,
  sinks: readonly TopicSink[],
  member: () => Member,
  shared: Shared,
) {
  const { config, clock, emit } = options;
  const soft = new AbortController();
  const byUnit = new Map(sinks.flatMap((sink) => sink.refs.map((ref) => [partitionName(ref), { sink, ref }] as const)));
  const loop = new AssignmentLoop({
    group: places.group,
    member,
    units: [...byUnit.keys()],
    clock,
    heartbeatMs: config.timing.heartbeatMs,
    renewMs: config.timing.renewMs,
    leaseTtlMs: config.timing.leaseTtlMs,
    debounceMs: config.timing.heartbeatMs,
    rejoinGraceMs: config.timing.rejoinGraceMs,
    drainMs: config.timing.drainMs,
    report: assignmentReporter(emit),
    run: async (unit, token, stop) => {
      const place = byUnit.get(unit);
      if (place === undefined) return;
      await runWorker(
        {
          config: place.sink.config,
          cluster: config.cluster,
          topics: places.topics,
          store: places.store,
          lanes: place.sink.lanes.lanes,
          deadLetters: shared.deadLetters,
          recorder: place.sink.recorder,
          tally: shared.tally,
          clock,
          awaitedFeeds: place.sink.needsTime ? config.inputs.flatMap(feeds) : [],
          leaseTtlMs: config.timing.leaseTtlMs,
          report: workerReporter(emit, place.sink.config.sink, unit, token.epoch),
        },
        place.ref,
        token,
        stop,
      );
    },
  });
  const ended = loop.run({ soft: soft.signal, hard: shared.hard });
  ended.catch((error: unknown) => emit('loop:ended', { loop: `assignment of ${identity.agent}`, error }));
  return {
    loop,
    ended,
    stop: async () => {
      soft.abort(new Error('stopping'));
      await ended.catch(() => undefined);
    },
  };
}

async function startTicks(
  options: AgentOptions,
  places: Places,
  sinks: readonly TopicSink[],
  loop: AssignmentLoop,
  signal: AbortSignal,
): Promise<void> {
  const timed = new Map(
    sinks.filter((sink) => sink.needsTime).flatMap((sink) => sink.refs.map((ref) => [partitionName(ref), ref] as const)),
  );
  if (timed.size === 0) return;
  const owned = () =>
    loop.owned.flatMap((token: LeaseToken) => {
      const ref = timed.get(token.unit);
      return ref === undefined ? [] : [{ ref, token }];
    });
  const openAppender = () => places.topics.openAppender();
  await runTickLoop(
    { group: places.group, openAppender, clock: options.clock, tickMs: options.config.timing.tickMs, owned },
    signal,
  );
}

function feeds(input: AgentConfig['inputs'][number]): readonly string[] {
  return feedsOf(input.name, inputs[input.kind]?.queues?.(input.parameters) ?? []);
}

async function startListener(
  options: AgentOptions,
  inputConfig: AgentConfig['inputs'][number],
  given: {
    readonly soft: AbortSignal;
    readonly hard: AbortSignal;
    readonly facts: Record<string, string>;
    /** Some sink waits for them; an input is not written to for nothing. */
    readonly canaries: boolean;
  },
  listen: (intake: Intake<Delivery>, input: Input) => Promise<void>,
  own?: InputKind<null>,
): Promise<StartedListener> {
  const { clock, emit } = options;
  const intake = new Intake<Delivery>(intakeBound, intakeBytes);
  const kind = own ?? (await inputs[inputConfig.kind]?.load());
  if (kind === undefined) throw new Error(`no input of kind ${inputConfig.kind}`);
  const input = await kind.open(inputConfig.parameters as never, {
    name: inputConfig.name,
    baseDir: options.config.baseDir,
    dataDir: options.config.dataDir,
    clock,
    random: options.random,
    soft: given.soft,
    hard: given.hard,
    deliver: (deliveries) => intake.deliver(deliveries),
    report: (event) => {
      if (event.kind === 'connected') given.facts[`input.${inputConfig.name}`] = event.detail;
      if (event.kind === 'disconnected') {
        emit('input:disconnected', { input: inputConfig.name, detail: event.detail, retryInMs: event.retryInMs });
      } else emit(`input:${event.kind}`, { input: inputConfig.name, detail: event.detail });
    },
  });
  const over = new AbortController();
  const untilOver = AbortSignal.any([given.soft, over.signal]);
  const canaries = given.canaries ? runCanaryLoop(inputConfig.name, input, intake, clock, untilOver) : Promise.resolve();
  // An input that has given all it had is silent, not late: its canaries go on until we leave.
  const ran = input
    .run()
    .then(() => aborted(given.soft))
    .finally(() => {
      over.abort(new Error('the input ended'));
      intake.end();
    });
  const parts = [ran, listen(intake, input), canaries];
  const ended = Promise.all(parts).then(() => undefined);
  ended.catch((error: unknown) => emit('loop:ended', { loop: `listener of ${inputConfig.name}`, error }));
  return { ended, settled: Promise.allSettled(parts), close: () => input.close() };
}

interface StartedListener {
  /** Rejects as soon as one part of it fails. */
  readonly ended: Promise<void>;
  /** All parts have ended, well or not. */
  readonly settled: Promise<unknown>;
  close(): Promise<void>;
}
