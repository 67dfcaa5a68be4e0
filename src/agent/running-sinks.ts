import { setMaxListeners } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { AgentConfig } from '../config/agent-config.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import { createRouter, type Router } from '../core/route/router.ts';
import { type LinkedAbort, linkedAbort } from '../lib/linked-abort.ts';
import { endsWithin } from '../lib/or-late.ts';
import type { DeadLetters } from '../pipeline/dead-letters.ts';
import { DirectSink } from '../pipeline/direct-sink.ts';
import type { Lane } from '../pipeline/lane.ts';
import type { Listening } from '../pipeline/listening.ts';
import { Recorder } from '../pipeline/recorder.ts';
import { sinkChain } from '../pipeline/sink-chain.ts';
import type { Watching } from '../pipeline/watching.ts';
import type { ListenerSink } from '../pipeline/work.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';
import type { Figures } from './figures.ts';
import { openHoldingLanes, openLanes, type SinkTargets, type TargetContext } from './open-targets.ts';
import { needsTime } from './sink-runtime.ts';
import type { TopicSink } from './start-workers.ts';

export interface SinkParts {
  readonly config: Pick<AgentConfig, 'cluster' | 'timing'>;
  readonly context: TargetContext;
  readonly deadLetters: DeadLetters;
  readonly figures: Figures;
  readonly watching: Watching;
  /** Where reports of hosts go, with these sinks. */
  readonly reports: (configs: readonly SinkConfig[]) => Router | null;
  /** A target has said that it can never work. */
  readonly failed: (error: unknown) => void;
}

interface RunningSink {
  readonly config: SinkConfig;
  readonly targets: SinkTargets<Lane>;
  readonly direct: DirectSink | null;
  readonly topic: TopicSink | null;
  /** Aborts when the process leaves, or its targets are cut off. */
  readonly hard: LinkedAbort;
}

export interface PartitionPlace {
  readonly sink: TopicSink;
  readonly ref: PartitionRef;
}

/** With direct sinks alone, waiting only saves writes; below this rate there are few to save. */
const crowded = 16;

/** The sinks of this process with their targets, as they are now: opened at the start, replaced one by one by a reload. */
export class RunningSinks {
  readonly #parts: SinkParts;
  #order: readonly SinkConfig[] = [];
  readonly #running = new Map<string, RunningSink>();
  #byUnit: Map<string, PartitionPlace> | null = null;

  constructor(parts: SinkParts) {
    this.#parts = parts;
  }

  get configs(): readonly SinkConfig[] {
    return this.#order;
  }

  get topicSinks(): readonly TopicSink[] {
    return this.#inOrder().flatMap(({ topic }) => (topic === null ? [] : [topic]));
  }

  get units(): readonly string[] {
    return this.topicSinks.flatMap(unitsOf);
  }

  get needTime(): boolean {
    return this.topicSinks.some(({ needsTime: needs }) => needs);
  }

  /** Null where it runs direct, or is not here. */
  refsOf(sink: string): readonly PartitionRef[] | null {
    return this.#running.get(sink)?.topic?.refs ?? null;
  }

  unitsOfSink(sink: string): readonly string[] {
    const topic = this.#running.get(sink)?.topic;
    return topic == null ? [] : unitsOf(topic);
  }

  topicOf(unit: string): PartitionPlace | null {
    this.#byUnit ??= new Map(
      this.topicSinks.flatMap((sink) => sink.refs.map((ref) => [partitionName(ref), { sink, ref }] as const)),
    );
    return this.#byUnit.get(unit) ?? null;
  }

  runsDirect(sink: string): boolean {
    return this.#running.get(sink)?.direct != null;
  }

  laneOf(sink: string, publisher: string): Lane | undefined {
    return this.#running.get(sink)?.targets.lanes.find(({ name }) => name === publisher);
  }

  /** How listeners pass on what they get, with the sinks as they are now. */
  listening(others: Pick<Listening, 'converter' | 'limits'>): Listening {
    const sinks = this.#inOrder();
    return {
      ...others,
      configs: this.#order,
      // A direct sink has one place; hashing the key of each of its samples would be for nothing.
      router: createRouter(sinks.map(({ config, direct }) => (direct === null ? config : { ...config, partitions: 1 }))),
      reports: this.#parts.reports(this.#order),
      sinks: sinks.map(
        ({ direct, topic }): ListenerSink =>
          direct === null
            ? { kind: 'topic', partitions: topic?.refs ?? [], canaries: topic?.needsTime === true }
            : { kind: 'direct', direct },
      ),
      lingerFrom: sinks.every(({ topic }) => topic === null) ? crowded : 0,
    };
  }

  /** `refs`: its partitions, or null where it runs direct. */
  async open(config: SinkConfig, refs: readonly PartitionRef[] | null): Promise<void> {
    const { context, figures, failed } = this.#parts;
    const { cluster } = this.#parts.config;
    const hard = linkedAbort(context.hard);
    // All of its lanes and their waits are under it; that is many, not a leak.
    setMaxListeners(0, hard.signal);
    const own = { ...context, hard: hard.signal };
    const tally = figures.sink(config, refs === null);
    const running = await (async (): Promise<RunningSink> => {
      if (refs === null) {
        const targets = await openHoldingLanes(config, own);
        const direct = new DirectSink(
          sinkChain(cluster, config),
          targets.lanes,
          this.#parts.deadLetters,
          config.sink,
          tally,
          this.#parts.watching,
        );
        return { config, targets, direct, topic: null, hard };
      }
      const lanes = await openLanes(config, own);
      const recorder = config.record === null ? null : new Recorder(config.record);
      const topic = { config, refs, lanes, needsTime: needsTime(config, cluster), recorder, tally };
      return { config, targets: lanes, direct: null, topic, hard };
    })();
    running.targets.ended.catch((error: unknown) => {
      if (!hard.signal.aborted) failed(error);
    });
    figures.lanes(config.sink, running.targets.lanes);
    this.#running.set(config.sink, running);
    this.#byUnit = null;
  }

  /** What waits in memory goes out first, for `patienceMs` at most; the rest stands in outbox, topic or source. */
  async close(sink: string, patienceMs: number): Promise<void> {
    const running = this.#running.get(sink);
    if (running === undefined) return;
    this.#running.delete(sink);
    this.#byUnit = null;
    const closed = running.targets.close();
    if (!(await endsWithin(this.#parts.context.clock, patienceMs, closed)))
      running.hard.abort(new Error('the sink is being changed'));
    await closed;
    // Else the signal of the process would keep all that the sink had.
    running.hard.release();
  }

  /** From now on it is these, in this order; each is open. What only says the same in other words stays as it was. */
  settle(order: readonly SinkConfig[]): void {
    for (const { sink } of this.#order) if (!order.some((config) => config.sink === sink)) this.#parts.figures.forget(sink);
    this.#order = order;
    this.#byUnit = null;
  }

  async closeDirect(): Promise<void> {
    await Promise.all([...this.#running.values()].filter(({ direct }) => direct !== null).map(({ targets }) => targets.close()));
  }

  async closeLanes(): Promise<void> {
    await Promise.all([...this.#running.values()].filter(({ topic }) => topic !== null).map(({ targets }) => targets.close()));
  }

  #inOrder(): readonly RunningSink[] {
    return this.#order.flatMap(({ sink }) => this.#running.get(sink) ?? []);
  }
}

function unitsOf({ refs }: TopicSink): readonly string[] {
  return refs.map(partitionName);
}

/** Does it compute the same, and send it to the same places? What it takes and its steps are in its hash. */
export function isSameSink(one: SinkConfig, other: SinkConfig): boolean {
  const rest = ({ hash, publish, direct, record, order, compat, maxKeys }: SinkConfig) => ({
    hash,
    maxKeys,
    publish,
    direct,
    record,
    order,
    compat,
  });
  return isDeepStrictEqual(rest(one), rest(other));
}
