import type { SocketOptions } from 'amqplib';
import type { ControlLog } from '../../coordination/control-log.ts';
import type { Clock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import type { Backoff } from '../../lib/retry-loop.ts';
import { Fault } from '../../model/faults.ts';
import { Sizes } from '../sizes.ts';
import {
  type Appender,
  type Attachment,
  type PartitionRef,
  type PartitionStats,
  partitionName,
  type TopicCapabilities,
  type Topics,
} from '../topic.ts';
import { AmqpAppender } from './amqp-appender.ts';
import { AmqpAttachment, type AttachmentEvent } from './amqp-attachment.ts';
import { Catalog, type CatalogEntry } from './catalog.ts';
import { type Connection, openConnection } from './connection.ts';
import { ControlQueue } from './control-queue.ts';
import { assertPartition, createPartitions, firstOf, retirePartition } from './partition-life.ts';
import { probe } from './partition-queue.ts';
import type { Spoiled } from './publish-lane.ts';
import { type ConnectionEvent, SteadyConnection } from './steady-connection.ts';

export type AmqpTopicsEvent =
  | ConnectionEvent
  | AttachmentEvent
  /** A publish channel was given up; so many entries are owed and go over another one. */
  | { readonly kind: 'spoiled'; readonly why: Spoiled['why']; readonly error: Fault; readonly owed: number };

export interface AmqpTopicsOptions {
  /** `amqp://user:password@host:port/vhost` of the nodes of one cluster, tried in turn; asked for at every connect. */
  readonly urls: () => Promise<readonly string[]>;
  /** TLS options, as `node:tls` takes them. */
  readonly socket?: SocketOptions;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly random: () => number;
  /** As the broker's operator shall see us. */
  readonly name?: string;
  readonly onBounded?: (partition: PartitionRef, since: number | null) => void;
  readonly report?: (event: AmqpTopicsEvent) => void;
  readonly timing?: Partial<AmqpTiming>;
}

export interface AmqpTiming {
  readonly heartbeatS: number;
  /** So long without a confirm spoils a publish channel. */
  readonly lateMs: number;
  /** So long a target of an append may be missing: a broker that starts may not know it yet. */
  readonly missingMs: number;
  /** So long a reader may be cut off before it ends. */
  readonly giveUpMs: number;
  /** So long a new queue gets no entries. Less than half a second is for tests alone: see `createPartitions`. */
  readonly settleMs: number;
  /** Between two attempts to connect. */
  readonly reconnect: Backoff;
}

const defaultTiming: AmqpTiming = {
  heartbeatS: 5,
  lateMs: 1_000,
  missingMs: 1_000,
  giveUpMs: 10_000,
  settleMs: 2_000,
  reconnect: { baseMs: 250, capMs: 30_000 },
};
/** Half of what a worker may hold: what waits behind a missing entry of ours never fills its hands. */
const appendWindow = { entries: 128, bytes: 32 * 1024 * 1024 };
const connectTimeoutMs = 10_000;
const catalogTimeoutMs = 120_000;

/** Topics as quorum queues, over two connections: the one that publishes may be blocked by the broker, the one that consumes never is. */
export class AmqpTopics implements Topics {
  readonly capabilities: TopicCapabilities = { kind: 'queue', rewind: false, singleActiveConsumer: true };
  readonly #options: AmqpTopicsOptions;
  readonly #timing: AmqpTiming;
  readonly #publishing: SteadyConnection;
  readonly #consuming: SteadyConnection;
  readonly #sizes = new Sizes();
  readonly #appenders = new Set<AmqpAppender>();
  readonly #attachments = new Set<AmqpAttachment>();
  readonly #known = new Map<string, CatalogEntry>();

  constructor(options: AmqpTopicsOptions) {
    this.#options = options;
    this.#timing = { ...defaultTiming, ...options.timing };
    this.#publishing = this.#steady('publish');
    this.#consuming = this.#steady('consume');
  }

  /** Sent and not confirmed, over all appenders. */
  get unconfirmed(): { readonly entries: number; readonly bytes: number } {
    const each = [...this.#appenders].map((appender) => appender.unconfirmed);
    return {
      entries: each.reduce((sum, { entries }) => sum + entries, 0),
      bytes: each.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  /** Since when the broker takes nothing from us because it runs out of memory or disk (epoch ms); null when it does. */
  get blockedSince(): number | null {
    return this.#publishing.current?.blockedSince ?? null;
  }

  /** Throws a fatal Fault when a queue exists with other arguments. */
  async create(refs: readonly PartitionRef[], genesis: (ref: PartitionRef) => Uint8Array, boundBytes: number): Promise<void> {
    for (const cluster of new Set(refs.map((ref) => ref.cluster))) {
      const ours = refs.filter((ref) => ref.cluster === cluster);
      const connection = await this.#connected(this.#publishing);
      if (await this.#allThere(connection, cluster, ours)) {
        for (const ref of ours) await assertPartition(connection, ref, boundBytes);
        continue;
      }
      const made = ours.map((ref) => ({ ref, boundBytes }));
      const place = { connection, ...this.#options, settleMs: this.#timing.settleMs };
      await this.#catalog(cluster).add(async (listed) => {
        await createPartitions(place, ours, genesis, boundBytes, (queue) => listed.has(queue));
        return made;
      });
      for (const entry of made) this.#known.set(partitionName(entry.ref), entry);
    }
  }

  async list(cluster: string): Promise<readonly PartitionRef[]> {
    const connection = await this.#connected(this.#consuming);
    const listed = await this.#readCatalog(cluster);
    const there: PartitionRef[] = [];
    for (const [queue, { ref }] of listed) if (await probe(connection, queue, this.#options.clock)) there.push(ref);
    return there;
  }

  /** The facts of the cluster that outlive its coordination, kept in the same broker. */
  controlLog(cluster: string): ControlLog {
    return new ControlQueue(cluster, this.#records('control'));
  }

  async openAppender(): Promise<Appender> {
    const { keys, clock, onBounded, report } = this.#options;
    const appender = new AmqpAppender({
      connection: this.#publishing,
      keys,
      clock,
      lateMs: this.#timing.lateMs,
      missingMs: this.#timing.missingMs,
      window: appendWindow,
      onBounded: onBounded ?? (() => {}),
      onSpoiled: ({ why, fault }, owed) => report?.({ kind: 'spoiled', why, error: fault, owed }),
      onSize: (queue, bytes) => this.#sizes.saw(queue, bytes),
      onClosed: () => this.#appenders.delete(appender),
    });
    this.#appenders.add(appender);
    return appender;
  }

  /** `from` is where numbering goes on: a queue itself knows what comes next. */
  async attach(ref: PartitionRef, from: number | null, prefetch: number): Promise<Attachment> {
    const { keys, clock, random, report } = this.#options;
    const attachment = new AmqpAttachment(partitionName(ref), from, prefetch, {
      connection: this.#consuming,
      keys,
      clock,
      random,
      giveUpMs: this.#timing.giveUpMs,
      onEvent: report ?? (() => {}),
      onSize: (queue, bytes) => this.#sizes.saw(queue, bytes),
      onClosed: () => this.#attachments.delete(attachment),
    });
    await attachment.start();
    this.#attachments.add(attachment);
    return attachment;
  }

  /**
   * What AMQP can tell: entries that nobody holds, and those that we hold; another agent's (at most its prefetch) are not seen. `bytes`
   * is entries times the mean size of those seen here. The age is known of what we hold, and of a partition that nobody reads or may
   * begin to.
   */
  async stats(ref: PartitionRef, mayBeTakenOver = false): Promise<PartitionStats> {
    const queue = partitionName(ref);
    const { clock } = this.#options;
    const connection = await this.#connected(this.#consuming);
    const state = await probe(connection, queue, clock);
    if (state === null) throw new Fault('retryable', 'no_topic', `there is no queue ${queue}`);
    const held = [...this.#attachments].find((attachment) => attachment.queue === queue)?.held;
    const isAtRest = !mayBeTakenOver && state.consumers === 0 && state.ready > 0;
    const first = isAtRest ? await firstOf(connection, queue, clock) : null;
    if (first !== null) this.#sizes.saw(queue, first.bytes);
    const entries = state.ready + (held?.entries ?? 0) - (first?.genesis ? 1 : 0);
    const oldestAtMs = held?.oldestAtMs ?? (first?.genesis ? null : (first?.at ?? null));
    return { entries, bytes: this.#sizes.of(queue, entries), boundBytes: await this.#boundOf(ref), oldestAtMs };
  }

  async retire(ref: PartitionRef): Promise<void> {
    await retirePartition(await this.#connected(this.#consuming), ref, this.#options.clock);
    await this.#catalog(ref.cluster).remove(ref);
    this.#known.delete(partitionName(ref));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#appenders, ...this.#attachments].map((one) => one.close()));
    await Promise.all([this.#publishing.close(), this.#consuming.close()]);
  }

  #steady(purpose: string): SteadyConnection {
    const { urls, random, report } = this.#options;
    const { reconnect: backoff } = this.#timing;
    return new SteadyConnection({ ...this.#connecting(purpose), urls, backoff, random, report: report ?? (() => {}) });
  }

  async #connected(connection: SteadyConnection): Promise<Connection> {
    const patience = AbortSignal.timeout(this.#timing.giveUpMs);
    try {
      return await connection.open(patience);
    } catch (thrown) {
      if (!patience.aborted) throw thrown;
      throw new Fault('retryable', 'amqp_disconnected', `no broker within ${this.#timing.giveUpMs} ms`);
    }
  }

  #catalog(cluster: string): Catalog {
    return new Catalog(cluster, { ...this.#records('catalog'), timeoutMs: catalogTimeoutMs });
  }

  /** What the signed records of a cluster are kept with: a connection for each call. */
  #records(purpose: string) {
    const { keys, clock, urls } = this.#options;
    const connect = async () => openConnection({ ...this.#connecting(purpose), urls: await urls(), onBlocked: () => {} });
    return { keys, clock, connect, settleMs: this.#timing.settleMs };
  }

  #connecting(purpose: string) {
    const { socket = {}, clock, name = 'ceilograph' } = this.#options;
    const { heartbeatS } = this.#timing;
    return { name: `${name} ${purpose}`, heartbeatS, socket: { timeout: connectTimeoutMs, ...socket }, clock };
  }

  async #readCatalog(cluster: string): Promise<ReadonlyMap<string, CatalogEntry>> {
    const listed = await this.#catalog(cluster).read();
    for (const [queue, entry] of listed) this.#known.set(queue, entry);
    return listed;
  }

  async #boundOf(ref: PartitionRef): Promise<number> {
    const queue = partitionName(ref);
    if (!this.#known.has(queue)) await this.#readCatalog(ref.cluster);
    return this.#known.get(queue)?.boundBytes ?? 0;
  }

  async #allThere(connection: Connection, cluster: string, refs: readonly PartitionRef[]): Promise<boolean> {
    const listed = await this.#readCatalog(cluster);
    for (const ref of refs) {
      const queue = partitionName(ref);
      if (!listed.has(queue) || (await probe(connection, queue, this.#options.clock)) === null) return false;
    }
    return true;
  }
}
