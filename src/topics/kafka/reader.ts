import type { Clock } from '../../lib/clock.ts';
import type { FetchedMessage, KafkaCluster } from '../../lib/kafka-client.ts';
import { endsWithin } from '../../lib/or-late.ts';
import { type Backoff, fullJitterMs } from '../../lib/retry-loop.ts';
import { Fault } from '../../model/faults.ts';
import type { KafkaClient } from './client.ts';
import { kafkaFault } from './kafka-fault.ts';

/** One partition that somebody reads. The reader calls these; none may throw. */
export interface Reading {
  readonly topic: string;
  readonly partition: number;
  /** The offset to go on at. */
  readonly next: number;
  /** Has room for more. */
  readonly hungry: boolean;
  take(messages: readonly FetchedMessage[]): void;
  /** It cannot be read on: the topic is gone, or holds no such offset. */
  fail(fault: Fault): void;
}

export interface ReaderDeps {
  readonly client: KafkaClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly backoff: Backoff;
  readonly onCut: (error: Fault, retryInMs: number) => void;
  readonly onMended: () => void;
}

/** The longest that a partition which has just become hungry waits behind a question that was asked before. */
const longestPollMs = 200;
const partitionBytes = 1024 * 1024;
const replyBytes = 16 * 1024 * 1024;
const closeMs = 2_000;

/**
 * Reads all partitions of this process, one question at a time to each broker that leads some of them. No consumer group: who reads what is
 * decided by the leases.
 *
 *     unplaced → (its leader is learnt) → asked for by the leader's loop → (the broker failed, or leads it no longer) → unplaced
 *
 * A broker that has no such offset is not asked again: kafkajs' own consumer would go on elsewhere in silence.
 */
export class Reader {
  readonly #deps: ReaderDeps;
  readonly #leaders = new Map<Reading, number | null>();
  readonly #loops = new Map<number, Promise<void>>();
  readonly #closing = new AbortController();
  #cluster: Promise<KafkaCluster> | null = null;
  #placing: Promise<void> | null = null;
  #wakers: (() => void)[] = [];
  #failures = 0;

  constructor(deps: ReaderDeps) {
    this.#deps = deps;
  }

  add(reading: Reading): void {
    this.#leaders.set(reading, null);
    this.#place();
  }

  remove(reading: Reading): void {
    this.#leaders.delete(reading);
  }

  /** Something may have become hungry. */
  wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }

  /**
   * The entries from one offset up to another. For records, not for partitions that are worked on. Throws `log_out_of_range` when the first
   * is not there any more.
   */
  async range(topic: string, partition: number, from: number, to: number): Promise<readonly FetchedMessage[]> {
    const messages: FetchedMessage[] = [];
    let next = from;
    try {
      const leader = (await this.#deps.client.leaders(topic)).get(partition);
      while (next < to && leader !== undefined) {
        const broker = await (await this.#connected()).findBroker({ nodeId: String(leader) });
        const { responses } = await broker.fetch(request([{ topic, partition, next }]));
        const found = (responses[0]?.partitions[0]?.messages ?? []).filter(({ offset }) => Number(offset) >= next);
        for (const message of found) if (Number(message.offset) < to && message.isControlRecord !== true) messages.push(message);
        next = Math.max(next, 1 + Number(found.at(-1)?.offset ?? -1));
        this.#closing.signal.throwIfAborted();
      }
    } catch (thrown) {
      const fault = kafkaFault(thrown, `reading ${topic}`);
      // The connection is as good as it was; the entries were trimmed since the caller looked.
      if (fault.code !== 'log_out_of_range') await this.#drop();
      throw fault;
    }
    return messages;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Fault('retryable', 'closed', 'the topics are closed'));
    this.wake();
    await Promise.all([...this.#loops.values(), this.#placing]);
    await this.#drop();
  }

  #place(): void {
    this.#placing ??= this.#placeAll();
  }

  /** Until all have a leader that is asked. */
  async #placeAll(): Promise<void> {
    const { client, clock, random, backoff, onCut, onMended } = this.#deps;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const lost = [...this.#leaders].filter(([, leader]) => leader === null).map(([reading]) => reading);
      if (lost.length === 0) break;
      try {
        for (const topic of new Set(lost.map((reading) => reading.topic))) await this.#placeTopic(client, topic, lost);
        if (this.#failures > 0) onMended();
        this.#failures = 0;
      } catch (thrown) {
        if (signal.aborted) break;
        const retryInMs = fullJitterMs(this.#failures, random, backoff);
        this.#failures += 1;
        onCut(kafkaFault(thrown, 'reading'), retryInMs);
        await clock.sleep(retryInMs, signal).catch(() => undefined); // closing: seen above
      }
    }
    // In one turn with the last look: whoever is added from now on begins anew.
    this.#placing = null;
  }

  async #placeTopic(client: KafkaClient, topic: string, lost: readonly Reading[]): Promise<void> {
    const mine = lost.filter((reading) => reading.topic === topic);
    try {
      const leaders = await client.leaders(topic);
      // Only a broker that is reachable counts as found, and the cluster must know it.
      await (await this.#connected()).refreshMetadata();
      for (const reading of mine) {
        const leader = leaders.get(reading.partition);
        if (leader === undefined) this.#fail(reading, new Fault('retryable', 'no_topic', `${topic} has no such partition`));
        else if (leader < 0) throw new Fault('retryable', 'kafka_no_leader', `nobody leads ${topic}`);
        else if (this.#leaders.has(reading)) this.#assign(reading, leader);
      }
    } catch (thrown) {
      const fault = kafkaFault(thrown, `reading ${topic}`);
      if (fault.code !== 'no_topic') {
        await this.#drop();
        throw fault;
      }
      for (const reading of mine) this.#fail(reading, fault);
    }
  }

  #assign(reading: Reading, leader: number): void {
    this.#leaders.set(reading, leader);
    if (!this.#loops.has(leader)) this.#loops.set(leader, this.#loop(leader));
    this.wake();
  }

  async #loop(leader: number): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const ours = [...this.#leaders].filter(([, at]) => at === leader).map(([reading]) => reading);
      if (ours.length === 0) break;
      const hungry = ours.filter((reading) => reading.hungry);
      if (hungry.length === 0) {
        await new Promise<void>((resolve) => this.#wakers.push(resolve));
        continue;
      }
      const cluster = this.#connected();
      try {
        const broker = await (await cluster).findBroker({ nodeId: String(leader) });
        this.#hand(hungry, (await broker.fetch(request(hungry))).responses);
      } catch (thrown) {
        if (this.#closing.signal.aborted) break;
        await this.#lose(hungry, thrown, cluster);
      }
    }
    this.#loops.delete(leader);
  }

  #hand(
    asked: readonly Reading[],
    responses: Awaited<ReturnType<Awaited<ReturnType<KafkaCluster['findBroker']>>['fetch']>>['responses'],
  ): void {
    for (const { topicName, partitions } of responses)
      for (const { partition, messages } of partitions) {
        // Removed meanwhile: nobody wants it.
        for (const reading of asked) {
          if (reading.topic !== topicName || reading.partition !== partition || !this.#leaders.has(reading)) continue;
          const fresh = messages.filter(
            ({ offset, isControlRecord }) => Number(offset) >= reading.next && isControlRecord !== true,
          );
          if (fresh.length > 0) reading.take(fresh);
        }
      }
  }

  /**
   * One bad partition spoils the whole answer, and only for an offset that is gone is it named. Whatever else happens, the connections are
   * given up: kafkajs opens one again with what it still holds of an answer that was cut, and takes all later ones for the rest of that.
   */
  async #lose(asked: readonly Reading[], thrown: unknown, cluster: Promise<KafkaCluster>): Promise<void> {
    const fault = kafkaFault(thrown, 'reading');
    if (fault.code === 'log_out_of_range') {
      const { topic, partition } = thrown as { topic?: unknown; partition?: unknown };
      for (const reading of asked) if (reading.topic === topic && reading.partition === partition) this.#fail(reading, fault);
      return;
    }
    for (const reading of asked) if (this.#leaders.has(reading)) this.#leaders.set(reading, null);
    this.#deps.onCut(fault, 0);
    this.#failures = Math.max(1, this.#failures);
    // Another loop may have done it.
    if (this.#cluster === cluster) await this.#drop();
    this.#place();
  }

  #fail(reading: Reading, fault: Fault): void {
    this.#leaders.delete(reading);
    reading.fail(fault);
  }

  #connected(): Promise<KafkaCluster> {
    this.#cluster ??= this.#deps.client.cluster().catch((thrown: unknown) => {
      this.#cluster = null;
      throw thrown;
    });
    return this.#cluster;
  }

  async #drop(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = null;
    const [opened] = await Promise.allSettled([cluster]);
    if (opened.status === 'fulfilled' && opened.value !== null)
      await endsWithin(this.#deps.clock, closeMs, opened.value.disconnect());
  }
}

type Place = Pick<Reading, 'topic' | 'partition' | 'next'>;

function request(readings: readonly Place[]) {
  return {
    replicaId: -1,
    isolationLevel: 0,
    maxWaitTime: longestPollMs,
    minBytes: 1,
    maxBytes: replyBytes,
    topics: [...new Set(readings.map(({ topic }) => topic))].map((topic) => ({
      topic,
      partitions: partitionsOf(topic, readings),
    })),
  } as const;
}

/** One that is being left and one that has just come may be in one partition at different places. */
function partitionsOf(topic: string, readings: readonly Place[]) {
  const offsets = new Map<number, number>();
  for (const each of readings)
    if (each.topic === topic) offsets.set(each.partition, Math.min(each.next, offsets.get(each.partition) ?? each.next));
  return [...offsets].map(([partition, next]) => ({ partition, fetchOffset: String(next), maxBytes: partitionBytes }));
}
