import type { Producer } from 'kafkajs';
import type { Clock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { linkedAbort } from '../../lib/linked-abort.ts';
import { Fault } from '../../model/faults.ts';
import { AbortWatch } from '../abort-watch.ts';
import { type Appender, custodyLost, type PartitionRef, partitionName } from '../topic.ts';
import type { Fills } from './fills.ts';
import { kafkaFault } from './kafka-fault.ts';
import { sealed } from './seal.ts';
import { largestBatchBytes, topicOf } from './topic-life.ts';

export interface AppenderDeps {
  readonly producer: (onMessage: (message: object) => void) => Promise<Producer>;
  readonly fills: Fills;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly onBounded: (partition: PartitionRef, since: number | null) => void;
  readonly onFailed: (error: Fault, owed: number) => void;
  readonly onClosed: () => void;
}

interface Message {
  readonly partition: number;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
  readonly job: Job;
}

/** What one call of `append` is owed. */
interface Job {
  readonly refs: readonly PartitionRef[];
  readonly messages: readonly (readonly [topic: string, message: Message])[];
  readonly bytes: number;
  readonly signal: AbortSignal;
  readonly mayGo: () => boolean;
  settled: boolean;
  readonly settle: (error: { readonly reason: unknown } | null) => void;
}

const firstPauseMs = 10;
const longestPauseMs = 500;
const sendAtMost = { entries: 2_000, bytes: 8 * 1024 * 1024 };
/** Of a batch in Kafka: what a record needs beside its value. */
const overheadBytes = 1024;

/**
 * One send at a time, of all that waits: a later append is never confirmed before an earlier one. After a failure it is unknown what Kafka
 * has, so all of it is sent again, bytes unchanged, by another producer: with the old one its sequence numbers would now mean other entries,
 * and Kafka would drop them as seen.
 */
export class KafkaAppender implements Appender {
  readonly #deps: AppenderDeps;
  readonly #closing = new AbortController();
  readonly #watch = new AbortWatch<Job>((job, reason) => job.settle({ reason }));
  #jobs: Job[] = [];
  #producer: Promise<Producer> | null = null;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(deps: AppenderDeps) {
    this.#deps = deps;
  }

  append(
    entries: readonly { readonly partition: PartitionRef; readonly bytes: Uint8Array }[],
    signal: AbortSignal,
    mayGo = () => true,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      if (this.#closing.signal.aborted) return reject(this.#closing.signal.reason);
      const messages: [string, Message][] = [];
      const job: Job = {
        refs: [...new Map(entries.map(({ partition }) => [partitionName(partition), partition])).values()],
        messages,
        bytes: entries.reduce((sum, { bytes }) => sum + bytes.length, 0),
        signal,
        mayGo,
        settled: false,
        settle: (error) => {
          if (job.settled) return;
          job.settled = true;
          this.#watch.delete(signal, job);
          if (error === null) resolve();
          else reject(error.reason);
        },
      };
      for (const { partition, bytes } of entries) {
        const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const headers = { ...sealed(this.#deps.keys, partitionName(partition), bytes) };
        messages.push([topicOf(partition), { partition: partition.partition, value, headers, job }]);
      }
      this.#watch.add(signal, job);
      this.#jobs.push(job);
      this.#start();
    });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return this.#running;
    const closed = new Fault('retryable', 'closed', 'the topics are closed');
    this.#closing.abort(closed);
    for (const job of this.#jobs) job.settle({ reason: closed });
    await this.#running;
    await this.#drop();
    this.#deps.onClosed();
  }

  #start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#run().finally(() => {
      this.#isRunning = false;
    });
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#jobs = this.#jobs.filter((job) => !job.settled);
      const [head] = this.#jobs;
      if (head === undefined) return;
      try {
        await this.#untilRoom(head);
        await this.#send(this.#gather());
      } catch (reason) {
        head.settle({ reason });
      }
    }
  }

  /** Every partition of it exists and is below its bound. */
  async #untilRoom(job: Job): Promise<void> {
    const { clock, onBounded } = this.#deps;
    const leave = linkedAbort(job.signal, this.#closing.signal);
    let waiting: PartitionRef | null = null;
    try {
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
        leave.signal.throwIfAborted();
        const full = await this.#fullOne(job, waiting !== null);
        if (full === null) return;
        if (full !== 'away' && waiting === null) {
          waiting = full;
          onBounded(full, clock.now());
        }
        await clock.sleep(pauseMs, leave.signal);
      }
    } finally {
      leave.release();
      if (waiting !== null) onBounded(waiting, null);
    }
  }

  /** `away`: Kafka does not say. */
  async #fullOne(job: Job, asked: boolean): Promise<PartitionRef | 'away' | null> {
    const { fills, onFailed } = this.#deps;
    try {
      for (const ref of job.refs) if (await fills.isFull(ref, asked)) return ref;
      return null;
    } catch (thrown) {
      const fault = kafkaFault(thrown, 'appending');
      if (fault.class !== 'retryable' || fault.code === 'no_topic') throw fault;
      onFailed(fault, this.#jobs.length);
      return 'away';
    }
  }

  /** From the first on, as many as go in one request and have room where they go, by what is known without asking. */
  #gather(): Job[] {
    const gathered: Job[] = [];
    let [entries, bytes] = [0, 0];
    for (const job of this.#jobs) {
      if (job.settled) continue;
      entries += job.messages.length;
      bytes += job.bytes;
      const fits = entries <= sendAtMost.entries && bytes <= sendAtMost.bytes;
      if (gathered.length > 0 && !(fits && job.refs.every((ref) => this.#deps.fills.hasRoom(ref)))) break;
      gathered.push(job);
    }
    return gathered;
  }

  async #send(jobs: readonly Job[]): Promise<void> {
    const { clock, fills, onFailed } = this.#deps;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      for (const job of jobs) if (!job.settled && !job.mayGo()) job.settle({ reason: custodyLost() });
      const live = jobs.filter((job) => !job.settled);
      if (live.length === 0) return;
      try {
        await this.#sendOnce(live);
        for (const job of live) job.settle(null);
        return;
      } catch (thrown) {
        await this.#drop();
        if (thrown === lostCustody) continue;
        const fault = kafkaFault(thrown, 'appending');
        const owed = live.reduce((sum, job) => sum + job.messages.length, 0);
        if (fault.class === 'poison' && live.length > 1) {
          for (const job of live) await this.#send([job]);
          return;
        }
        if (fault.class !== 'retryable') {
          const reason =
            fault.class === 'poison' ? new Fault('poison', 'entry_too_large', fault.message, { cause: thrown }) : fault;
          for (const job of live) job.settle({ reason });
          return;
        }
        onFailed(fault, owed);
        if (fault.code === 'no_topic') await this.#withoutMissing(live);
        else fills.forget();
        await clock.sleep(pauseMs, this.#closing.signal).catch(() => undefined); // closing: all are settled
      }
    }
  }

  async #sendOnce(jobs: readonly Job[]): Promise<void> {
    const byTopic = new Map<string, Message[]>();
    for (const job of jobs)
      for (const [topic, message] of job.messages) {
        if (message.value.length + overheadBytes > largestBatchBytes)
          throw new Fault('poison', 'entry_too_large', `an entry of ${message.value.length} bytes is more than a topic takes`);
        const messages = byTopic.get(topic) ?? [];
        messages.push(message);
        byTopic.set(topic, messages);
      }
    if (byTopic.size === 0) return;
    this.#producer ??= this.#deps.producer((message) => {
      const { job } = message as Message;
      if (!job.mayGo()) throw lostCustody;
    });
    const producer = await this.#producer;
    const stored = await producer.sendBatch({
      acks: -1,
      topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages })),
    });
    const counts = new Map<string, number>();
    for (const [topic, messages] of byTopic)
      for (const { partition } of messages) {
        const key = `${topic}/${partition}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    for (const { topicName, partition, baseOffset, logStartOffset } of stored) {
      if (baseOffset === undefined) continue;
      const high = Number(baseOffset) + (counts.get(`${topicName}/${partition}`) ?? 0);
      this.#deps.fills.saw(topicName, partition, logStartOffset === undefined ? null : Number(logStartOffset), high);
    }
    for (const [topic, messages] of byTopic)
      for (const { partition, value } of messages) this.#deps.fills.sawEntry(topic, partition, value.length);
  }

  /** Those that go somewhere that is gone are told so; the others go on without them. */
  async #withoutMissing(jobs: readonly Job[]): Promise<void> {
    this.#deps.fills.forget();
    for (const job of jobs)
      for (const ref of job.refs) {
        try {
          await this.#deps.fills.isFull(ref, true);
        } catch (reason) {
          if (reason instanceof Fault && reason.code === 'no_topic') job.settle({ reason });
        }
      }
  }

  async #drop(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    const [opened] = await Promise.allSettled([producer]);
    // What it still has on the wire is sent again anyway.
    if (opened.status === 'fulfilled') await opened.value?.disconnect().catch(() => undefined);
  }
}

/** Between two tries, what was to be sent became another listener's. */
const lostCustody = Object.assign(new Error('custody lost'), { retriable: false });
