import type { Clock } from '../../lib/clock.ts';
import { printEntry } from '../../model/entry.ts';
import { Fault } from '../../model/faults.ts';
import type { DeadLetterStats } from '../../pipeline/dead-letters.ts';
import type { Emit } from '../../telemetry/events.ts';
import { type Appender, parsePartitionName } from '../../topics/topic.ts';
import { startAgent } from '../agent.ts';
import type { AgentOptions } from '../agent-options.ts';
import { readClusterView } from '../cluster-view.ts';
import { openPlaces } from '../places.ts';
import type { LayoutsPlan } from './layout-plan.ts';

export interface DrainOptions extends Omit<AgentOptions, 'drains' | 'exclusiveInputs' | 'scrape'> {
  readonly withinMs: number;
  readonly clock: Clock;
  /** Told now and then. */
  readonly onProgress: (waiting: number, outbox: number) => void;
}

const lookEveryMs = 500;
/** So many looks in a row must see nothing waiting and nothing committed. */
const calmLooks = 4;
const noLetters: DeadLetterStats = { letters: 0, bytes: 0, byReason: {}, evicted: 0 };

/**
 * Computes and publishes, as the one agent of the cluster, what waits for sinks that are to be moved, with the number of partitions they
 * still have. No input is opened and no tick is made, so partition time stands still. Throws `topics_not_drained` when something stays.
 */
export async function drainTopics(options: DrainOptions, plan: LayoutsPlan): Promise<void> {
  const { config, clock, withinMs } = options;
  const stored = new Map(plan.sinks.map((planned) => [planned.sink, planned.stored]));
  const moving = new Set(plan.sinks.filter(({ action }) => action === 'move').map(({ sink }) => sink));
  const sinks = options.sinks
    .filter(({ sink }) => moving.has(sink))
    .map((sink) => ({ ...sink, partitions: stored.get(sink.sink)?.partitions ?? sink.partitions }));
  const places = await openPlaces({ ...options, emit: () => undefined });
  const gaps = new Set<string>();
  const emit: Emit = (name, facts) => {
    const { partition } = facts as { readonly partition?: string };
    if (partition !== undefined && name === 'partition:gap') gaps.add(partition);
    if (partition !== undefined && name === 'partition:gap-closed') gaps.delete(partition);
    options.emit(name, facts);
  };
  const agent = await startAgent({
    ...options,
    emit,
    config: { ...config, agent: { ...config.agent, staticId: null }, admin: { ...config.admin, listen: null } },
    sinks,
    exclusiveInputs: false,
    drains: true,
  }).catch(async (error: unknown) => {
    await places.close();
    throw error;
  });
  const until = clock.monotonic() + withinMs;
  const over = new AbortController();
  try {
    await Promise.race([agent.failed, untilDrained()]);
  } finally {
    over.abort(new Error('drained'));
    await agent.stop('drained');
    await places.close();
  }

  /**
   * A partition that waits for an entry nobody will send goes on with the next one that comes after half a minute; here none would come. A
   * tick of no owner moves no time, it only comes.
   */
  async function nudge(appender: Appender): Promise<void> {
    const refs = [...gaps].flatMap((name) => parsePartitionName(name) ?? []);
    if (refs.length === 0) return;
    const tick = printEntry({ kind: 'tick', incarnation: 0, epoch: 0, n: 0, at: clock.now() });
    const bytes = new TextEncoder().encode(tick);
    await appender.append(
      refs.map((partition) => ({ partition, bytes })),
      over.signal,
    );
  }

  /** The broker does not tell of entries that a worker holds; but whoever holds some commits. */
  async function untilDrained(): Promise<void> {
    const appender = await places.topics.openAppender();
    let before = -1;
    for (let calm = 0; ; ) {
      await nudge(appender);
      const view = await readClusterView(places, config.cluster, noLetters);
      const ours = view.partitions.filter(({ sink }) => moving.has(sink));
      const waiting = ours.reduce((sum, { entries }) => sum + entries, 0);
      const outbox = ours.reduce((sum, { outboxItems }) => sum + outboxItems, 0);
      const versions = ours.reduce((sum, { stateVersion }) => sum + stateVersion, 0);
      const begun = ours.every(({ owner }) => owner !== null);
      options.onProgress(waiting, outbox);
      calm = begun && gaps.size + waiting + outbox === 0 && versions === before ? calm + 1 : 0;
      before = versions;
      if (calm >= calmLooks) return;
      if (clock.monotonic() >= until)
        throw new Fault(
          'retryable',
          'topics_not_drained',
          `After ${Math.round(withinMs / 1_000)} s ${waiting} entries and ${outbox} outputs still wait. \`ceilograph status\` shows where; a target that is ` +
            'away keeps its outputs. Nothing was changed: begin again.',
        );
      await clock.sleep(lookEveryMs, over.signal).catch(() => undefined);
      if (over.signal.aborted) return;
    }
  }
}
