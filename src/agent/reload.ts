import { isDeepStrictEqual } from 'node:util';
import type { AgentConfig } from '../config/agent-config.ts';
import type { Setup } from '../config/load-setup.ts';
import { ConfigError, formatProblem } from '../config/problem.ts';
import type { SinkConfig } from '../config/sink-config.ts';
import { classify } from '../model/faults.ts';
import { stableId } from '../model/stable-hash.ts';
import { configurationFacts } from '../pipeline/able-members.ts';
import type { AssignmentLoop } from '../pipeline/assignment-loop.ts';
import type { CurrentListening, Listening } from '../pipeline/listening.ts';
import type { PartitionRef } from '../topics/topic.ts';
import type { AgentOptions } from './agent-options.ts';
import { type TargetContext, tryTargets } from './open-targets.ts';
import { isSameSink, type RunningSinks } from './running-sinks.ts';
import { runsDirect } from './sink-runtime.ts';

/** What came of a reload, for whoever asked. When `ok` is false nothing has changed and the configuration of before goes on. */
export type ReloadAnswer =
  | {
      readonly ok: true;
      readonly hash: string;
      readonly added: readonly string[];
      readonly changed: readonly string[];
      readonly removed: readonly string[];
      readonly unchanged: number;
      /** Definitions, conversion or limits are others than before. */
      readonly conversion: boolean;
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly hash: string; readonly problems: readonly string[] };

export interface ReloadParts {
  readonly options: AgentOptions;
  readonly sinks: RunningSinks;
  readonly listening: CurrentListening;
  readonly loop: Pick<AssignmentLoop, 'halt' | 'resume'>;
  readonly context: TargetContext;
  /** Makes sure that everybody agrees on the partitions of these sinks, and that they exist. */
  readonly agree: (sinks: readonly SinkConfig[]) => Promise<ReadonlyMap<SinkConfig, readonly PartitionRef[]>>;
  /** The agent cannot go on: neither the new nor the old targets can be opened. */
  readonly failed: (error: unknown) => void;
}

/** In a member record: why the last reload changed nothing. */
export const notReloadedFact = 'not_reloaded';
/** Every heartbeat carries it. */
const longestProblem = 300;

/** Parts of the agent's file that a running agent takes up; everything else wants a restart. */
const reloadable = new Set<keyof AgentConfig>(['definitions', 'conversion', 'limits', 'pipelinesDir', 'origin']);

/**
 * Loads the configuration anew while the agent runs. First everything is looked at (files, layouts, targets) and nothing touched; what is
 * wrong is told, and all goes on as it was. Then only sinks that differ stop: their workers drain and release, their targets close, and
 * open again as configured. Others do not notice, and the state of a changed sink is the partition's, which the next worker restores.
 */
export class Reloader {
  readonly #parts: ReloadParts;
  #setup: Pick<Setup, 'config' | 'conversionHash'>;
  #turn: Promise<unknown> = Promise.resolve();
  #loadedAt: number;
  #problem: string | null = null;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#setup = { config: parts.options.config, conversionHash: parts.options.conversionHash ?? '' };
    this.#loadedAt = parts.options.clock.now();
  }

  /** Equal where two agents compute the same. */
  get hash(): string {
    const sinks = this.#parts.sinks.configs.map(({ sink, hash }) => `${sink} ${hash}`).sort();
    return stableId([this.#setup.conversionHash, ...sinks]);
  }

  /** What every other member should know: which configuration runs here, and whether a newer one could not be taken up. */
  facts(): Readonly<Record<string, string>> {
    const sinks = Object.fromEntries(this.#parts.sinks.configs.map(({ sink, hash }) => [sink, hash]));
    const configuration = configurationFacts({ hash: this.hash, sinks, loadedAt: this.#loadedAt });
    return this.#problem === null
      ? configuration
      : { ...configuration, [notReloadedFact]: this.#problem.slice(0, longestProblem) };
  }

  /** One at a time. Never rejects. */
  reload(): Promise<ReloadAnswer> {
    const turn = this.#turn.then(() => this.#reload());
    this.#turn = turn;
    return turn;
  }

  async #reload(): Promise<ReloadAnswer> {
    const { emit } = this.#parts.options;
    const answer = await this.#attempt().catch((error: unknown) => this.#refused(problemsOf(error)));
    this.#problem = answer.ok ? null : (answer.problems[0] ?? '');
    if (answer.ok) {
      const { added, changed, removed, unchanged, conversion } = answer;
      const counts = { added: added.length, changed: changed.length, removed: removed.length, unchanged };
      emit('config:reloaded', { ...counts, conversion, success: 1 });
    } else emit('config:not-reloaded', { problem: this.#problem ?? '', problems: answer.problems.length, success: 0 });
    return answer;
  }

  #refused(problems: readonly string[]): ReloadAnswer {
    return { ok: false, hash: this.hash, problems };
  }

  async #attempt(): Promise<ReloadAnswer> {
    const setup = await this.#parts.options.load?.();
    if (setup === undefined) return this.#refused(['this agent was not started from files']);
    const rest = restartNeeded(this.#setup.config, setup.config);
    if (rest.length > 0)
      return this.#refused(rest.map((name) => `${name} differs: that wants a restart of the agent, and nothing was changed`));
    const { sinks, options, context, agree } = this.#parts;
    const before = new Map(sinks.configs.map((config) => [config.sink, config]));
    const wanted = new Map(setup.sinks.map((config) => [config.sink, config]));
    const added = setup.sinks.filter(({ sink }) => !before.has(sink));
    const changed = setup.sinks.filter((config) => {
      const known = before.get(config.sink);
      return known !== undefined && !isSameSink(known, config);
    });
    const removed = sinks.configs.filter(({ sink }) => !wanted.has(sink));
    const stateless = changed.filter((config) => runsDirect(config, options.config) && !sinks.runsDirect(config.sink));
    if (stateless.length > 0)
      return this.#refused(
        stateless.map(
          ({ sink, origin }) => `${origin}: sink ${sink} keeps no state any more and would run direct: that wants a restart`,
        ),
      );
    const fresh = [...added, ...changed];
    const withTopic = fresh.filter((config) => !runsDirect(config, options.config));
    const refs = await agree(withTopic);
    for (const config of fresh) await tryTargets(config, context);

    const conversion =
      setup.conversionHash !== this.#setup.conversionHash || !isDeepStrictEqual(setup.config.limits, this.#setup.config.limits);
    const others = { converter: setup.converter, limits: setup.config.limits };
    // What is the same keeps the very object it runs with.
    const order = setup.sinks.map((config) => (fresh.includes(config) ? config : (before.get(config.sink) ?? config)));
    if (fresh.length > 0 || removed.length > 0) await this.#swap(order, fresh, removed, refs, others);
    else if (conversion) await this.#change(async () => sinks.listening(others));
    else sinks.settle(order);
    this.#setup = setup;
    this.#loadedAt = options.clock.now();
    const names = (configs: readonly SinkConfig[]) => configs.map(({ sink }) => sink);
    return {
      ok: true,
      hash: this.hash,
      added: names(added),
      changed: names(changed),
      removed: names(removed),
      unchanged: setup.sinks.length - fresh.length,
      conversion,
      notes: setup.notes,
    };
  }

  async #swap(
    order: readonly SinkConfig[],
    fresh: readonly SinkConfig[],
    removed: readonly SinkConfig[],
    refs: ReadonlyMap<SinkConfig, readonly PartitionRef[]>,
    others: Pick<Listening, 'converter' | 'limits'>,
  ): Promise<void> {
    const { sinks, loop } = this.#parts;
    const stopping = [...fresh, ...removed].map(({ sink }) => sink);
    const halted = stopping.flatMap((sink) => sinks.unitsOfSink(sink));
    await loop.halt(halted);
    try {
      await this.#change(async () => {
        const former = new Map(sinks.configs.map((config) => [config.sink, config]));
        const formerPlaces = new Map(stopping.map((sink) => [sink, sinks.refsOf(sink)]));
        await Promise.all(stopping.map((sink) => sinks.close(sink, this.#patienceMs)));
        try {
          for (const config of fresh) await sinks.open(config, refs.get(config) ?? null);
        } catch (error) {
          // They could be opened a moment ago, and the old ones ran: what is different now is outside.
          for (const sink of stopping) {
            await sinks.close(sink, 0);
            const config = former.get(sink);
            if (config !== undefined) await sinks.open(config, formerPlaces.get(sink) ?? null).catch(this.#parts.failed);
          }
          throw error;
        }
        sinks.settle(order);
        return sinks.listening(others);
      });
    } finally {
      loop.resume([...halted, ...stopping.flatMap((sink) => sinks.unitsOfSink(sink))]);
    }
  }

  get #patienceMs(): number {
    return this.#parts.options.config.timing.drainMs / 4;
  }

  #change(make: () => Promise<Listening>): Promise<void> {
    return this.#parts.listening.change(this.#parts.options.clock, this.#patienceMs, make);
  }
}

function restartNeeded(before: AgentConfig, after: AgentConfig): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)] as (keyof AgentConfig)[]);
  return [...names].filter((name) => !reloadable.has(name) && !isDeepStrictEqual(before[name], after[name]));
}

function problemsOf(error: unknown): readonly string[] {
  return error instanceof ConfigError ? error.problems.map(formatProblem) : [classify(error).message];
}
