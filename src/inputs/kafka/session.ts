import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { kafkaVerdict } from '../../lib/kafka-client.ts';
import { linkedAbort } from '../../lib/linked-abort.ts';
import { orAborted } from '../../lib/or-aborted.ts';
import { endsWithin, orLate } from '../../lib/or-late.ts';
import type { Semaphore } from '../../lib/semaphore.ts';
import { traceparentOf } from '../../lib/traceparent.ts';
import { Fault } from '../../model/faults.ts';
import { HeardCustody } from '../custody.ts';
import type { Delivery, InputContext } from '../input.ts';
import { Generation } from './generation.ts';
import { priorityOf } from './priority-of.ts';
import type { KafkaInputParameters } from './schema.ts';

const closeTimeoutMs = 3_000;
/** The longest that a new message waits behind a question that was asked before it came. */
const longestPollMs = 500;

/** What the listener threw, to be thrown on as it is, whatever it is. */
export class ListenerFailure {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

interface Assigned {
  readonly generation: Generation;
  readonly custody: HeardCustody;
}

/** One client in the group. It ends as a whole, by a crash of kafkajs or a fault of the listener; the next session begins at what is committed. */
export class Session {
  readonly #parameters: KafkaInputParameters;
  readonly #context: InputContext;
  readonly #permits: Semaphore;
  readonly #stop: AbortSignal;
  readonly #onLoss: () => void;
  readonly #consumer: Consumer;
  readonly #heartbeatMs: number;
  readonly #failing: (error: unknown) => void;
  /** Rejects with what ended it. */
  readonly failed: Promise<never>;
  #assigned: Assigned | undefined;

  constructor(
    kafka: Kafka,
    parameters: KafkaInputParameters,
    context: InputContext,
    permits: Semaphore,
    stop: AbortSignal,
    onLoss: () => void,
  ) {
    this.#parameters = parameters;
    this.#context = context;
    this.#permits = permits;
    this.#stop = stop;
    this.#onLoss = onLoss;
    this.#heartbeatMs = Math.floor(parameters.session_timeout_ms / 10);
    let failing: (error: unknown) => void = () => undefined;
    this.failed = new Promise((_, reject) => {
      failing = reject;
    });
    this.failed.catch(() => undefined);
    this.#failing = failing;
    this.#consumer = kafka.consumer({
      groupId: parameters.group,
      sessionTimeout: parameters.session_timeout_ms,
      rebalanceTimeout: parameters.session_timeout_ms,
      heartbeatInterval: this.#heartbeatMs,
      maxWaitTimeInMs: longestPollMs,
      allowAutoTopicCreation: false,
      // One failure ends the session: a commit that kafkajs tries again would go out under whatever generation is the current one then.
      retry: { retries: 0, restartOnFailure: async () => false },
    });
  }

  async start(): Promise<void> {
    const consumer = this.#consumer;
    const { topics, start } = this.#parameters;
    const { GROUP_JOIN, REBALANCING, HEARTBEAT, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, () => this.#join());
    consumer.on(REBALANCING, () => this.#leave('the group is being divided anew'));
    consumer.on(HEARTBEAT, () => this.#assigned?.custody.heard());
    consumer.on(CRASH, ({ payload }) => this.#failing(toFault(payload.error)));
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: start === 'earliest' });
    const partitionsConsumedConcurrently = 8;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently,
      eachBatch: (payload) => this.#take(payload),
    });
  }

  /** Nothing is taken any more; it stays in the group, so that what is outstanding can be committed. */
  pause(): void {
    this.#consumer.pause(this.#parameters.topics.map((topic) => ({ topic })));
  }

  async commit(): Promise<void> {
    await this.#assigned?.generation.commit();
  }

  /** Leaves the group, or is gone after 3 s. Never throws. */
  async close(): Promise<void> {
    this.#leave('the session is closed');
    await endsWithin(this.#context.clock, closeTimeoutMs, this.#consumer.disconnect());
  }

  #join(): void {
    this.#leave('the group was divided anew');
    const generation = new Generation(this.#consumer);
    this.#assigned = { generation, custody: new HeardCustody(this.#context.clock, generation.lost) };
    this.#context.report({ kind: 'connected', detail: `kafka://${this.#parameters.brokers[0]}/${this.#parameters.group}` });
  }

  #leave(why: string): void {
    const assigned = this.#assigned;
    this.#assigned = undefined;
    if (assigned?.generation.end(new Fault('retryable', 'kafka_reassigned', why)) === true) this.#onLoss();
  }

  /** kafkajs asks for the next batch of a partition when this one is through. What is thrown here must be its own errors only. */
  async #take({ batch, heartbeat, resolveOffset }: EachBatchPayload): Promise<void> {
    const assigned = this.#assigned;
    if (assigned === undefined) return;
    const messages = batch.messages.slice();
    while (messages.length > 0) {
      const leave = linkedAbort(this.#stop, assigned.generation.lost);
      try {
        const permits = await this.#permit(messages.length, leave.signal, heartbeat);
        if (permits === 0) return this.pauseIfStopping();
        const taken = messages.splice(0, permits);
        const deliveries = taken.map((message) => this.#deliveryOf(batch.topic, batch.partition, message, assigned, false));
        const delivering = this.#deliver(deliveries);
        while (!(await orLate(this.#context.clock, this.#heartbeatMs, delivering, false))) await heartbeat();
        resolveOffset(taken.at(-1)?.offset ?? '');
      } finally {
        leave.release();
      }
    }
  }

  /** Asked for again and again otherwise. */
  pauseIfStopping(): void {
    if (this.#stop.aborted) this.pause();
  }

  /** None when it is time to leave. The group hears of us while we wait. */
  async #permit(most: number, leave: AbortSignal, heartbeat: () => Promise<void>): Promise<number> {
    const waiting = linkedAbort(leave);
    const granted = this.#permits.acquireUpTo(most, waiting.signal).catch(() => 0);
    try {
      for (;;) {
        const permits = await orLate(this.#context.clock, this.#heartbeatMs, granted, null);
        if (permits !== null) return permits;
        await heartbeat();
      }
    } catch (thrown) {
      waiting.abort(thrown);
      this.#permits.release(await granted);
      throw thrown;
    } finally {
      waiting.release();
    }
  }

  /** True when the listener has them. A fault of the listener ends the session, not this call: kafkajs would take it for its own. */
  async #deliver(deliveries: readonly Delivery[]): Promise<boolean> {
    try {
      await orAborted(this.#context.deliver(deliveries), this.#context.hard);
    } catch (thrown) {
      this.#failing(new ListenerFailure(thrown));
    }
    return true;
  }

  #deliveryOf(topic: string, partition: number, message: KafkaMessage, assigned: Assigned, redelivered: boolean): Delivery {
    const offset = Number(message.offset);
    const { generation, custody } = assigned;
    if (!redelivered) generation.handed(topic, partition, offset);
    let open = true;
    const once = (finish: () => void) => () => {
      if (!open) return;
      open = false;
      this.#permits.release();
      if (!generation.lost.aborted) finish();
    };
    return {
      // Without a body it is a tombstone, which nobody can read: a dead letter.
      body: message.value ?? new Uint8Array(0),
      origin: `kafka://${topic}/${partition}:${message.offset}`,
      priority: priorityOf(topic),
      redelivered,
      traceparent: traceparentOf(message.headers?.['traceparent']),
      custody,
      settle: once(() => generation.settle(topic, partition, offset)),
      giveBack: once(() => {
        if (!this.#stop.aborted) this.#again(topic, partition, message, assigned);
      }),
    };
  }

  /** Kafka takes nothing back, so what was given back is kept here and handed out again; it stays uncommitted until it is settled. */
  #again(topic: string, partition: number, message: KafkaMessage, assigned: Assigned): void {
    const leave = linkedAbort(this.#stop, assigned.generation.lost);
    this.#permits
      .acquireUpTo(1, leave.signal)
      .then(
        () => this.#deliver([this.#deliveryOf(topic, partition, message, assigned, true)]),
        () => undefined, // it comes again from Kafka, to whoever has the partition then
      )
      .finally(() => leave.release())
      .catch(this.#failing);
  }
}

function toFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  const verdict = kafkaVerdict(thrown, 'consuming');
  return new Fault(verdict.class === 'fatal' ? 'fatal' : 'retryable', verdict.code, verdict.text, { cause: thrown });
}
