import type { Clock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { classify, Fault } from '../../model/faults.ts';
import { AbortWatch } from '../abort-watch.ts';
import { type Appender, custodyLost, type PartitionRef, partitionName } from '../topic.ts';
import { Backlog, type Batch, type Outgoing } from './backlog.ts';
import type { Connection } from './connection.ts';
import { exchangeOf, probe } from './partition-queue.ts';
import { blameOf, PublishLane, type Spoiled } from './publish-lane.ts';
import { sealed } from './seal.ts';
import type { SteadyConnection } from './steady-connection.ts';

export interface AppenderDeps {
  readonly connection: SteadyConnection;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly lateMs: number;
  readonly missingMs: number;
  /** At most so much is on the wire without a confirm; amqplib itself would buffer without end. */
  readonly window: { readonly entries: number; readonly bytes: number };
  readonly onBounded: (partition: PartitionRef, since: number | null) => void;
  readonly onSpoiled: (spoiled: Spoiled, owed: number) => void;
  readonly onSize: (queue: string, bytes: number) => void;
  readonly onClosed: () => void;
}

interface Pending extends Batch {
  readonly mayGo: () => boolean;
  readonly settle: (error: { readonly reason: unknown } | null) => void;
}

const firstPauseMs = 10;
const longestPauseMs = 500;
const probePauseMs = 50;

/**
 * Appends in order over all its partitions. What was sent counts when it and all before it are confirmed by one and the same lane. When
 * the lane is spoiled, the appender waits until every target answers again, then sends the first entry that does not count alone, and
 * once that counts all the others: a partition at its bound costs one entry per attempt, not the whole window.
 *
 *     idle → sending → (spoiled) pausing → probing → trying one → sending
 *
 * A target that is missing for `missingMs` fails the batches that hold it (`no_topic`); the others go on without them.
 */
export class AmqpAppender implements Appender {
  readonly #deps: AppenderDeps;
  readonly #backlog = new Backlog<Pending>();
  readonly #closing = new AbortController();
  readonly #bounded = new Map<string, PartitionRef>();
  readonly #watch = new AbortWatch<Pending>((pending, reason) => this.#remove(pending, reason));
  #lane: PublishLane | null = null;
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();
  #tryingOne = false;
  #failures = 0;
  #wake: () => void = () => {};

  constructor(deps: AppenderDeps) {
    this.#deps = deps;
  }

  get unconfirmed(): { readonly entries: number; readonly bytes: number } {
    return this.#backlog.onTheWire;
  }

  append(
    entries: readonly { readonly partition: PartitionRef; readonly bytes: Uint8Array }[],
    signal: AbortSignal,
    mayGo = () => true,
  ): Promise<void> {
    const { keys, clock } = this.#deps;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#closing.signal.aborted) return reject(this.#closing.signal.reason);
      const outgoing = entries.map(({ partition, bytes }) => {
        const queue = partitionName(partition);
        return {
          ref: partition,
          exchange: exchangeOf(partition.cluster),
          queue,
          bytes,
          headers: sealed(keys, queue, bytes, clock.now()),
        };
      });
      const pending: Pending = {
        entries: outgoing,
        mayGo,
        settle: (error) => {
          this.#watch.delete(signal, pending);
          if (error === null) resolve();
          else reject(error.reason);
        },
      };
      this.#watch.add(signal, pending);
      this.#settle(this.#backlog.add(pending));
      if (!this.#isRunning) this.#running = this.#run();
      this.#wake();
    });
  }

  /** Whoever still waits is told that the topics are closed; what is on the wire may arrive all the same. */
  async close(): Promise<void> {
    this.#closing.abort(new Fault('retryable', 'closed', 'the topics are closed'));
    for (const pending of [...this.#backlog.batches]) this.#remove(pending, this.#closing.signal.reason);
    await this.#running;
    await this.#lane?.close();
    this.#deps.onClosed();
  }

  /** Never rejects: what nothing mends is told to everybody who waits. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (!this.#backlog.isEmpty) {
      try {
        const lane = await this.#openLane();
        await this.#sendOver(lane);
      } catch (thrown) {
        const fault = classify(thrown);
        this.#failures += 1;
        if (fault.class !== 'retryable') for (const pending of [...this.#backlog.batches]) this.#remove(pending, fault);
      }
      if (this.#lane?.spoiled) await this.#leaveLane(this.#lane, this.#lane.spoiled);
      await this.#pause();
    }
    // Here and not when the promise settles: an append in between would find nobody at work.
    this.#isRunning = false;
  }

  async #openLane(): Promise<PublishLane> {
    if (this.#lane !== null && this.#lane.spoiled === null) return this.#lane;
    const { connection, clock, lateMs } = this.#deps;
    const open = await connection.open(this.#closing.signal);
    if (this.#tryingOne) await this.#targetsAnswer(open);
    this.#lane = await PublishLane.open(open, clock, lateMs, () => this.#wake());
    return this.#lane;
  }

  /** Returns when nothing is owed any more or the lane is spoiled. */
  async #sendOver(lane: PublishLane): Promise<void> {
    while (!this.#backlog.isEmpty && lane.spoiled === null) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#fill(lane);
      if (lane.spoiled === null && !this.#backlog.isEmpty) await woken;
    }
  }

  #fill(lane: PublishLane): void {
    while (lane.spoiled === null && this.#hasRoom()) {
      const entry = this.#backlog.takeNext();
      if (entry === undefined) return;
      const pending = this.#backlog.batchOf(entry);
      if (pending?.mayGo() === false) {
        this.#remove(pending, custodyLost());
        continue;
      }
      lane.send(entry, () => this.#confirmed(entry));
    }
  }

  #hasRoom(): boolean {
    const { entries, bytes } = this.#backlog.onTheWire;
    const { window } = this.#deps;
    return entries === 0 || (!this.#tryingOne && entries < window.entries && bytes < window.bytes);
  }

  #confirmed(entry: Outgoing): void {
    this.#tryingOne = false;
    this.#failures = 0;
    this.#deps.onSize(entry.queue, entry.bytes.byteLength);
    this.#settle(this.#backlog.confirm(entry));
    if (this.#bounded.has(entry.queue)) this.#notBounded(entry.queue);
    this.#wake();
  }

  async #leaveLane(lane: PublishLane, spoiled: Spoiled): Promise<void> {
    this.#deps.onSpoiled(spoiled, this.#backlog.owed);
    const alone = this.#tryingOne ? this.#backlog.head(1)[0] : undefined;
    const blame = blameOf(spoiled);
    // Only one entry was on the wire: it is the one that the broker refused.
    if (alone !== undefined && blame !== undefined) this.#fail([alone.queue], blame, (entry) => entry === alone);
    if (spoiled.why === 'nacked' && spoiled.entry !== null) this.#atBound(spoiled.entry);
    this.#lane = null;
    this.#backlog.rewind();
    this.#tryingOne = true;
    this.#failures += 1;
    await lane.close();
  }

  async #pause(): Promise<void> {
    if (this.#failures === 0 || this.#backlog.isEmpty) return;
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(this.#failures - 1, 10));
    await this.#deps.clock.sleep(ms, this.#closing.signal).catch(() => undefined);
  }

  /** Every target of the next window is there; batches whose target stays away are failed. */
  async #targetsAnswer(connection: Connection): Promise<void> {
    const { clock, window, missingMs } = this.#deps;
    const until = clock.monotonic() + missingMs;
    for (;;) {
      const targets = new Set(this.#backlog.head(window.entries).map(({ queue }) => queue));
      const missing: string[] = [];
      for (const queue of targets) if ((await probe(connection, queue, clock)) === null) missing.push(queue);
      if (missing.length === 0) return;
      if (clock.monotonic() >= until) {
        const fault = new Fault('retryable', 'no_topic', `there is no queue ${missing.join(', ')}`);
        return this.#fail(missing, fault, () => true);
      }
      await clock.sleep(probePauseMs, this.#closing.signal);
    }
  }

  #fail(queues: readonly string[], fault: Fault, concerns: (entry: Outgoing) => boolean): void {
    const hit = [...this.#backlog.batches].filter((batch) =>
      batch.entries.some((entry) => queues.includes(entry.queue) && concerns(entry)),
    );
    for (const pending of hit) this.#remove(pending, fault);
  }

  #remove(pending: Pending, reason: unknown): void {
    const others = this.#backlog.remove(pending);
    pending.settle({ reason });
    this.#settle(others);
    for (const queue of [...this.#bounded.keys()]) if (!this.#backlog.owes(queue)) this.#notBounded(queue);
    this.#wake();
  }

  #settle(done: readonly Pending[]): void {
    for (const pending of done) pending.settle(null);
  }

  #atBound({ queue, ref }: Outgoing): void {
    if (this.#bounded.has(queue)) return;
    this.#bounded.set(queue, ref);
    this.#deps.onBounded(ref, this.#deps.clock.now());
  }

  #notBounded(queue: string): void {
    const ref = this.#bounded.get(queue);
    this.#bounded.delete(queue);
    if (ref !== undefined) this.#deps.onBounded(ref, null);
  }
}
