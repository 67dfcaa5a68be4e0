import type { SinkConfig } from '../config/sink-config.ts';
import type { LeaseToken } from '../coordination/group.ts';
import { itemLines } from '../core/convert/wire.ts';
import { Partition } from '../core/partition/partition.ts';
import type { Clock } from '../lib/clock.ts';
import type { Semaphore } from '../lib/semaphore.ts';
import { Turn } from '../lib/turn.ts';
import { type Entry, parseEntry } from '../model/entry.ts';
import { classify, Fault } from '../model/faults.ts';
import type { Item } from '../model/item.ts';
import { markTrace, type OutputTraces } from '../model/output-traces.ts';
import type { Commit, Loaded, PartitionStore } from '../state/partition-store.ts';
import { type Attachment, type PartitionRef, partitionName, type Received, type Topics } from '../topics/topic.ts';
import { Caution } from './caution.ts';
import { crashPoint } from './crash-point.ts';
import type { DeadLetters } from './dead-letters.ts';
import { insist } from './insist.ts';
import type { Lane } from './lane.ts';
import { PartitionOutbox } from './partition-outbox.ts';
import { checkPlace, fingerprintOf } from './place.ts';
import { readUnlessStopped } from './read-unless-stopped.ts';
import type { Recorder } from './recorder.ts';
import { sinkChain } from './sink-chain.ts';
import type { Tally } from './tally.ts';
import { lineOf, speak, tracesBeside } from './unspeakable.ts';
import type { Watching } from './watching.ts';

/**
 * One owned partition, from its topic to its targets:
 *
 *     restore → replay the outbox → attach at the anchor → ( read → step → commit → publish → settle ) …
 *
 * Nothing is published before the commit that holds it is durable; nothing is settled before that commit; the outbox is cleared
 * after the publisher accepted. A fenced write means the partition belongs to somebody else: drop everything, write nothing, stay
 * quiet. Whatever dies in between, the next owner restores the last commit, publishes its outbox again under the same ids,
 * and reads the unsettled entries again, which the positions in the state tell apart from new ones.
 */
export interface WorkerDeps {
  readonly config: SinkConfig;
  readonly cluster: string;
  readonly topics: Topics;
  readonly store: PartitionStore;
  readonly lanes: readonly Lane[];
  readonly deadLetters: DeadLetters;
  readonly recorder: Recorder | null;
  readonly tally: Tally;
  readonly clock: Clock;
  /** Feeds whose canaries this sink waits for; empty when it has no deadlines. */
  readonly awaitedFeeds: readonly string[];
  readonly leaseTtlMs: number;
  /** One permit for all partitions of the process, see `Caution`. */
  readonly turns: Semaphore;
  readonly watching?: Watching;
  readonly report: (event: WorkerEvent) => void;
  /** The worker runs from now on, until the returned function is called; `keys` says how many keys have state. */
  readonly runs?: (keys: () => number) => () => void;
}

export type WorkerEvent =
  | { readonly kind: 'running'; readonly version: number; readonly keys: number; readonly outbox: number }
  | { readonly kind: 'fenced'; readonly at: string }
  | { readonly kind: 'stopped'; readonly code: string }
  | { readonly kind: 'feed-late' }
  | { readonly kind: 'gap'; readonly held: number }
  | { readonly kind: 'gap-closed' }
  | { readonly kind: 'passed-over'; readonly listener: string; readonly entries: number };

/** `soft`: read no more, finish what was read. `hard`: leave now; the next owner does the rest. */
export interface StopSignals {
  readonly soft: AbortSignal;
  readonly hard: AbortSignal;
}

const readWaitMs = 1_000;
/** Well above the entries that a partition reads before it goes on without a missing one. */
const prefetch = 512;
/**
 * A commit ends with the entry that brings it to so many items: what changed is printed in one go, during which nothing else of this process
 * runs. A full batch of full entries would be 32,000 items.
 */
const itemsPerCommit = 2_000;

/** Ends when stopped or fenced; throws on anything else, and the assignment loop starts it anew. */
export async function runWorker(deps: WorkerDeps, ref: PartitionRef, token: LeaseToken, stop: StopSignals): Promise<void> {
  const partition = new Partition(sinkChain(deps.cluster, deps.config));
  const loaded = await deps.store.load(token, (chunk, ofOpenRound) => partition.loadStates(chunk, ofOpenRound));
  if (loaded.kind === 'fenced') return fenced(deps, 'load');
  const turn = new Turn(deps.clock);
  for (const _ of partition.restoring(loaded.value.cursor, loaded.value.ids)) if (turn.isOver) await turn.next();
  const owner = new Owner(deps, ref, token, partition, loaded.value, stop);
  await owner.replayOutbox(loaded.value);
  const attachment = await deps.topics.attach(ref, partition.anchor?.offset ?? null, prefetch);
  const over = deps.runs?.(() => partition.keys);
  try {
    await owner.run(attachment);
  } finally {
    over?.();
    owner.leave();
    await attachment.close();
  }
}

function fenced(deps: WorkerDeps, at: string): void {
  deps.tally.fenced += 1;
  deps.report({ kind: 'fenced', at });
}

/** What one batch of entries came to, on the way to its commit. */
interface Step {
  /** Of the entries read: the rest is for the next commit. */
  applied: number;
  items: number;
  readonly out: Item[];
  traces: (string | undefined)[] | undefined;
  /** Of the notifications that were applied. */
  readonly ids: string[];
}

class Owner {
  readonly #deps: WorkerDeps;
  readonly #ref: PartitionRef;
  readonly #token: LeaseToken;
  readonly #partition: Partition;
  readonly #stop: StopSignals;
  readonly #caution: Caution;
  readonly #outbox: PartitionOutbox;
  readonly #turn: Turn;
  #version: number;
  #fenced = false;
  #feedLate = false;
  #holds = false;

  constructor(deps: WorkerDeps, ref: PartitionRef, token: LeaseToken, partition: Partition, loaded: Loaded, stop: StopSignals) {
    this.#deps = deps;
    this.#ref = ref;
    this.#token = token;
    this.#partition = partition;
    this.#version = loaded.version;
    this.#caution = new Caution(loaded.starts, loaded.suspects, deps.turns);
    this.#stop = stop;
    this.#turn = new Turn(deps.clock);
    this.#outbox = new PartitionOutbox(deps, ref, token, stop.hard, () => this.#lost('clear'));
  }

  async replayOutbox(loaded: Loaded): Promise<void> {
    await this.#outbox.replay(loaded, this.#turn);
    this.#deps.report({ kind: 'running', version: loaded.version, keys: this.#partition.keys, outbox: loaded.outbox.length });
  }

  async run(attachment: Attachment): Promise<void> {
    const { soft } = this.#stop;
    let pending = await this.#provePlace(attachment);
    await this.#configure();
    while (!soft.aborted && !this.#fenced) {
      await this.#outbox.whenRoom(soft);
      this.#outbox.assertClearing();
      this.#assertRoom();
      const received =
        pending.length > 0 ? pending : await readUnlessStopped(attachment, this.#caution.batchSize, readWaitMs, soft);
      if (received.length === 0) continue;
      const endTurn = await this.#caution.turn(soft);
      if (endTurn === null) break;
      try {
        const names = this.#caution.batchSize === 1 ? received.map(fingerprintOf) : [];
        if (!(await this.#begin(names))) return;
        const step = await this.#step(received);
        if (this.#turn.isOver) await this.#turn.next();
        if (!(await this.#commit(step.out, step.ids, step.traces))) return;
        // What is held is not applied yet.
        this.#caution.committed(this.#partition.heldCount > 0 ? [] : names, step.applied);
        pending = received.slice(step.applied);
      } finally {
        endTurn();
      }
      const anchor = this.#partition.anchor;
      if (anchor !== null) await attachment.settle(anchor.offset);
      crashPoint('after-settle');
    }
    if (!this.#fenced) await this.#outbox.drain();
  }

  /** Dropping a key or an item at the bound would make results depend on which states happened to be swept already, so nothing is applied. */
  #assertRoom(): void {
    const { sink, maxKeys = Number.POSITIVE_INFINITY } = this.#deps.config;
    const { keys } = this.#partition;
    if (keys < maxKeys) return;
    throw new Fault(
      'retryable',
      'too_many_keys',
      `${partitionName(this.#ref)} has ${keys} keys with state; \`max_keys\` of ${sink} is ${maxKeys}. Nothing of it is applied, and what comes waits. → raise ` +
        '`max_keys` and reload, where the memory is there; or let its transformers forget sooner',
    );
  }

  leave(): void {
    this.#outbox.leave();
  }

  /** What there is to apply already: a log is read from what was applied last, which must be there. */
  async #provePlace(attachment: Attachment): Promise<readonly Received[]> {
    if (this.#deps.topics.capabilities.kind === 'queue') return [];
    const { soft } = this.#stop;
    const received = await readUnlessStopped(attachment, 1 + this.#caution.batchSize, 5 * readWaitMs, soft);
    if (soft.aborted) return [];
    const { anchor } = this.#partition;
    let pending: readonly Received[];
    try {
      pending = checkPlace(this.#ref, anchor, received);
    } catch (error) {
      this.#deps.report({ kind: 'stopped', code: classify(error).code.toUpperCase() });
      throw error;
    }
    // The owner before may have died between its commit and this; where nothing more comes it would count as waiting for ever.
    if (anchor !== null) await attachment.settle(anchor.offset);
    return pending;
  }

  /** The configuration is an entry too: the state says under which one it was computed, and a recorded replay sees the change. */
  async #configure(): Promise<void> {
    const { clock, config, awaitedFeeds } = this.#deps;
    if (this.#stop.soft.aborted || this.#partition.runsUnder(config.hash, awaitedFeeds)) return;
    const entry: Entry = { kind: 'config', hash: config.hash, inputs: awaitedFeeds, at: clock.now() };
    await this.#record(entry);
    this.#partition.configure(entry);
    await this.#commit([], []);
  }

  /** False when the partition is no longer ours. */
  async #begin(names: readonly string[]): Promise<boolean> {
    const suspects = this.#caution.begin(names);
    if (suspects === null) return true;
    const noted = await this.#insist(() => this.#deps.store.noteStart(this.#token, suspects));
    if (noted.kind === 'ok') return true;
    this.#lost('start');
    return false;
  }

  async #step(received: readonly Received[]): Promise<Step> {
    const step: Step = { applied: 0, items: 0, out: [], traces: undefined, ids: [] };
    for (const one of received) {
      if (step.items >= itemsPerCommit) break;
      if (this.#turn.isOver) await this.#turn.next();
      step.applied += 1;
      const read = await this.#read(one);
      if (read === null) continue;
      const name = fingerprintOf(one);
      const entry = this.#caution.kills(name) ? await this.#buried(read, one) : read;
      await this.#record(entry);
      await this.#apply(step, entry, one.offset, name);
    }
    crashPoint('before-commit');
    return step;
  }

  async #record(entry: Entry): Promise<void> {
    await this.#deps.recorder?.record(this.#ref, { token: this.#token, version: this.#version + 1 }, entry);
  }

  async #read(one: Received): Promise<Entry | null> {
    if (one.refused !== undefined) {
      await this.#letter('bad_signature', one.refused, one.bytes);
      return null;
    }
    try {
      return parseEntry(decoder.decode(one.bytes));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await this.#letter('bad_entry', message, one.bytes);
      return null;
    }
  }

  /** What ends whoever applies it is applied without its items: its place in the order is taken, and a copy of it is known. */
  async #buried(entry: Entry, one: Received): Promise<Entry> {
    if (entry.kind !== 'data') return entry;
    await this.#letter('kills_the_worker', 'Five owners in turn began it and never came to a commit.', one.bytes);
    return { ...entry, notifications: entry.notifications.map((part) => ({ ...part, items: [] })) };
  }

  async #apply(step: Step, entry: Entry, offset: number, fingerprint: string): Promise<void> {
    const applied = this.#partition.apply(entry, offset, fingerprint);
    const from = step.out.length;
    for (const item of applied.out) step.out.push(item);
    for (const [i, trace] of applied.traces?.entries() ?? [])
      if (trace !== undefined) step.traces = markTrace(step.traces, from + i, from + i + 1, trace);
    for (const letter of applied.letters)
      await this.#letter(letter.reason, letter.message, encoder.encode(lineOf(letter.item, itemLines)), letter.asItCame);
    for (const drop of applied.dropped) this.#deps.tally.dropped += drop.count;
    this.#deps.tally.repeated += applied.repeated;
    if (entry.kind === 'data') {
      for (const { items } of entry.notifications) step.items += items.length;
      this.#deps.tally.applied += entry.notifications.length;
      for (const { id, trace } of this.#deps.watching === undefined ? [] : entry.notifications) {
        step.ids.push(id);
        if (trace !== undefined) this.#deps.watching?.carries(id, trace);
      }
    }
    if (applied.outcome === 'held') this.#deps.report({ kind: 'gap', held: this.#partition.heldCount });
    const holds = this.#partition.heldCount > 0;
    if (this.#holds && !holds) this.#deps.report({ kind: 'gap-closed' });
    this.#holds = holds;
    for (const passed of applied.passedOver) this.#deps.report({ kind: 'passed-over', ...passed });
    if (applied.outcome === 'feed-late' && !this.#feedLate) this.#deps.report({ kind: 'feed-late' });
    if (entry.kind === 'tick') this.#feedLate = applied.outcome === 'feed-late';
  }

  /** False when the partition is no longer ours. */
  async #commit(out: readonly Item[], ids: readonly string[], traces?: OutputTraces): Promise<boolean> {
    // Before the commit: an outbox that cannot be written would keep this partition from ever committing again.
    const { items, lines: text, bad } = speak(out, itemLines);
    for (const one of bad) await this.#letter('unspeakable', one.message, encoder.encode(one.text));
    const commit: Commit = {
      expectVersion: this.#version,
      commitId: `${this.#token.boot}.${this.#token.epoch}.${this.#version + 1}`,
      outbox: items.length === 0 ? [] : this.#deps.lanes.map((lane) => ({ group: lane.name, items: items.length, text })),
      leaseTtlMs: this.#deps.leaseTtlMs,
      ...this.#partition.takeChange(this.#deps.store.rollingKeys),
    };
    // A lost reply means the same bytes again, under the same commit id, until the store answers.
    const result = await this.#insist(() => this.#deps.store.commit(this.#token, commit));
    if (result.kind === 'fenced' || result.kind === 'conflict') {
      this.#lost('commit');
      return false;
    }
    this.#version = result.version;
    this.#deps.watching?.committed(this.#ref, this.#token.epoch, this.#version, ids, items);
    crashPoint('after-commit');
    this.#outbox.publish(this.#version, items, text, ids, tracesBeside(bad, traces));
    return true;
  }

  async #letter(reason: string, message: string, body: Uint8Array, asItCame?: true): Promise<void> {
    this.#deps.tally.letters += 1;
    const origin = partitionName(this.#ref);
    const { sink } = this.#deps.config;
    const known = { stage: 'transform', reason, message, sink, publisher: null, origin, messageId: null, body };
    const letter = asItCame === true ? { ...known, asItCame } : known;
    await this.#insist(() => this.#deps.deadLetters.record(letter));
  }

  #insist<T>(attempt: () => Promise<T>): Promise<T> {
    return insist(this.#deps.clock, this.#stop.hard, attempt);
  }

  #lost(at: string): void {
    if (!this.#fenced) fenced(this.#deps, at);
    this.#fenced = true;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();
