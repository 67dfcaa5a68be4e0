import type { SinkConfig } from '../config/sink-config.ts';
import type { AgentIdentity, LeaseToken, Member } from '../coordination/group.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { AssignmentLoop } from '../pipeline/assignment-loop.ts';
import type { DeadLetters } from '../pipeline/dead-letters.ts';
import type { Lane } from '../pipeline/lane.ts';
import type { Recorder } from '../pipeline/recorder.ts';
import type { Tally } from '../pipeline/tally.ts';
import { runTickLoop } from '../pipeline/tick-loop.ts';
import type { Watching } from '../pipeline/watching.ts';
import { runWorker } from '../pipeline/worker.ts';
import type { PartitionRef } from '../topics/topic.ts';
import type { AgentOptions } from './agent-options.ts';
import type { Figures } from './figures.ts';
import type { SinkTargets } from './open-targets.ts';
import type { Places } from './places.ts';
import { assignmentReporter, workerReporter } from './reporters.ts';
import type { RunningSinks } from './running-sinks.ts';
import { feedsOfInput } from './start-listener.ts';
import type { Troubles } from './troubles.ts';

export interface TopicSink {
  readonly config: SinkConfig;
  readonly refs: readonly PartitionRef[];
  readonly lanes: SinkTargets<Lane>;
  readonly needsTime: boolean;
  readonly recorder: Recorder | null;
  readonly tally: Tally;
}

interface Shared {
  readonly figures: Figures;
  readonly troubles: Troubles;
  readonly deadLetters: DeadLetters;
  readonly watching: Watching;
  readonly hard: AbortSignal;
}

/** The loop that takes, runs and gives on partitions, and a worker for each that is ours. */
export function startAssignment(
  options: AgentOptions,
  identity: AgentIdentity,
  places: Places,
  sinks: RunningSinks,
  member: () => Member,
  shared: Shared,
) {
  const { config, clock, emit } = options;
  const soft = new AbortController();
  const tell = assignmentReporter(emit);
  const turns = new Semaphore(1);
  const loop = new AssignmentLoop({
    group: places.group,
    member,
    units: () => sinks.units,
    clock,
    heartbeatMs: config.timing.heartbeatMs,
    renewMs: config.timing.renewMs,
    leaseTtlMs: config.timing.leaseTtlMs,
    debounceMs: config.timing.heartbeatMs,
    rejoinGraceMs: config.timing.rejoinGraceMs,
    drainMs: config.timing.drainMs,
    report: (event) => {
      shared.troubles.ofAssignment(event);
      tell(event);
    },
    run: async (unit, token, stop) => {
      const place = sinks.topicOf(unit);
      if (place === null) return;
      const tellOfWorker = workerReporter(emit, place.sink.config.sink, unit, token.epoch);
      await runWorker(
        {
          config: place.sink.config,
          cluster: config.cluster,
          topics: places.topics,
          store: places.store,
          lanes: place.sink.lanes.lanes,
          deadLetters: shared.deadLetters,
          recorder: place.sink.recorder,
          tally: place.sink.tally,
          runs: (keys) => shared.figures.runs(unit, keys),
          turns,
          clock,
          awaitedFeeds: place.sink.needsTime && place.sink.config.feeds !== 'none' ? config.inputs.flatMap(feedsOfInput) : [],
          leaseTtlMs: config.timing.leaseTtlMs,
          watching: shared.watching,
          report: (event) => {
            shared.troubles.ofWorker(unit, event);
            tellOfWorker(event);
          },
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

/** Time for the partitions that need it, as long as they are ours. */
export async function startTicks(
  options: AgentOptions,
  places: Places,
  sinks: RunningSinks,
  loop: AssignmentLoop,
  signal: AbortSignal,
): Promise<void> {
  const owned = () =>
    loop.owned.flatMap((token: LeaseToken) => {
      const place = sinks.topicOf(token.unit);
      return place?.sink.needsTime === true ? [{ ref: place.ref, token }] : [];
    });
  const openAppender = () => places.topics.openAppender();
  await runTickLoop(
    { group: places.group, openAppender, clock: options.clock, tickMs: options.config.timing.tickMs, owned },
    signal,
  );
}
