import { aborted, orAborted } from '../../lib/or-aborted.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { Fault } from '../../model/faults.ts';
import type { Input, InputContext, InputKind } from '../input.ts';
import { reconnecting } from '../reconnecting.ts';
import { type BrokerConnection, connectTo } from './broker-connection.ts';
import { brokerFault } from './broker-fault.ts';
import { CanaryPublisher } from './canary.ts';
import { Consumption } from './consumption.ts';
import { readEndpoint, urlsOf } from './endpoints.ts';
import { type AmqpInputParameters, summary } from './schema.ts';
import { type Topology, toTopology } from './topology.ts';

/** Fatal at first sight; from a broker that took us before likely a node still booting, which knows no users and vhosts yet. */
const mayHeal = new Set(['amqp_refused', 'amqp_not_allowed', 'amqp_certificate']);

export const amqp: InputKind<AmqpInputParameters> = {
  name: 'amqp',
  summary,
  async open(parameters, context) {
    return new AmqpInput(parameters, context);
  },
};

/**
 * Connecting → consuming → (lost → pause → connecting)* → draining → ended.
 *
 * | state      | left by |
 * |------------|---------|
 * | connecting | consumers on every queue → consuming; a fault → pause; a fatal one → ended with it |
 * | consuming  | connection, channel or a consumer gone → pause; soft → draining; hard → ended |
 * | pause      | backoff with full jitter over → connecting (the next URL) |
 * | draining   | nothing outstanding, or hard → ended |
 *
 * Acknowledge last: a delivery is acked when it was settled, never before; one of an older channel is never acked, because its
 * tag would name another message on the new one.
 */
class AmqpInput implements Input {
  readonly #parameters: AmqpInputParameters;
  readonly #context: InputContext;
  readonly #topology: Topology;
  readonly #permits: Semaphore;
  readonly #canary: CanaryPublisher;
  #connection: BrokerConnection | undefined;
  #consumption: Consumption | undefined;
  #urlIndex = 0;
  #connectedOnce = false;
  #settlementsLost = false;

  constructor(parameters: AmqpInputParameters, context: InputContext) {
    this.#parameters = parameters;
    this.#context = context;
    this.#topology = toTopology(parameters);
    this.#permits = new Semaphore(parameters.prefetch);
    this.#canary = new CanaryPublisher(
      () => this.#readEndpoint(),
      this.#topology.queues,
      context.clock,
      (blocked, detail) => context.report({ kind: blocked ? 'blocked' : 'unblocked', detail }),
    );
  }

  async run(): Promise<void> {
    const { soft, hard } = this.#context;
    const stop = AbortSignal.any([soft, hard]);
    try {
      await reconnecting(this.#context, stop, () => this.#consumeOnce(stop));
    } catch (thrown) {
      if (!stop.aborted) throw thrown;
      await this.#drain(hard);
    } finally {
      await this.close();
    }
  }

  async prove(): Promise<void> {
    if (this.#settlementsLost) {
      this.#settlementsLost = false;
      throw new Fault('retryable', 'settlements_lost', 'what was delivered before the connection was lost may come again');
    }
    await this.#consumption?.prove();
  }

  async sendCanary(body: Uint8Array): Promise<boolean> {
    return this.#canary.send(body);
  }

  async close(): Promise<void> {
    await Promise.all([this.#closeConnection(), this.#canary.close()]);
  }

  async #closeConnection(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (this.#context.hard.aborted) connection?.destroy();
    await connection?.close();
  }

  /** One connection's life. Returns why it ended when another one may do better; throws what the listener threw. */
  async #consumeOnce(stop: AbortSignal): Promise<Fault> {
    let consumption: Consumption;
    try {
      consumption = await this.#start(stop);
    } catch (thrown) {
      this.#urlIndex += 1;
      await this.#closeConnection();
      if (stop.aborted) throw stop.reason;
      const fault = brokerFault(thrown, 'connection');
      if (fault.class === 'retryable' || (this.#connectedOnce && mayHeal.has(fault.code))) return fault;
      throw fault;
    }
    this.#connectedOnce = true;
    const fault = await this.#pump(consumption, AbortSignal.any([stop, consumption.lost]));
    this.#urlIndex += 1;
    await this.#closeConnection();
    return fault;
  }

  async #start(stop: AbortSignal): Promise<Consumption> {
    const { endpoint, socket } = await this.#readEndpoint();
    const connecting = connectTo(endpoint, socket, this.#context.clock);
    const connection = await orAborted(connecting, stop).catch((thrown: unknown) => {
      connecting.then((late) => late.destroy()).catch(() => undefined); // we left while it was opening
      throw thrown;
    });
    this.#connection = connection;
    const { declare, prefetch } = this.#parameters;
    const leave = AbortSignal.any([connection.lost, this.#context.hard]);
    const consumption = await orAborted(
      Consumption.start(connection, this.#topology, {
        declare,
        prefetch,
        clock: this.#context.clock,
        closed: () => this.#permits.release(),
      }),
      leave,
    );
    this.#consumption = consumption;
    consumption.lost.addEventListener('abort', () => this.#noteLoss(consumption), { once: true });
    this.#context.report({ kind: 'connected', detail: connection.label });
    return consumption;
  }

  /** Permits first, then messages: over all generations no more than the prefetch is ever with the listener. */
  async #pump(consumption: Consumption, signal: AbortSignal): Promise<Fault> {
    for (;;) {
      let permits: number;
      try {
        await orAborted(consumption.arrival(), signal);
        permits = await this.#permits.acquireUpTo(consumption.waiting, signal);
      } catch (thrown) {
        if (consumption.lost.aborted) return brokerFault(consumption.lost.reason, 'connection');
        throw thrown;
      }
      const arrived = consumption.take(permits);
      if (arrived.length < permits) this.#permits.release(permits - arrived.length);
      if (arrived.length === 0) continue;
      await orAborted(this.#context.deliver(arrived), this.#context.hard);
    }
  }

  async #drain(hard: AbortSignal): Promise<void> {
    const consumption = this.#consumption;
    if (hard.aborted) return;
    try {
      if (consumption !== undefined && !consumption.lost.aborted) await orAborted(consumption.stop(), hard);
      await this.#permits.idle(hard);
      await orAborted(consumption?.close() ?? Promise.resolve(), hard);
    } catch (thrown) {
      // Leaving: a connection that breaks now returns what is unacknowledged, which is all that can be promised.
      if (!hard.aborted) await Promise.race([this.#permits.idle(), aborted(hard)]);
      this.#context.report({ kind: 'disconnected', detail: brokerFault(thrown, 'while stopping').message, retryInMs: 0 });
    }
  }

  #noteLoss(consumption: Consumption): void {
    if (consumption.settlements.unproven) this.#settlementsLost = true;
    if (this.#consumption === consumption) this.#consumption = undefined;
  }

  #readEndpoint(): ReturnType<typeof readEndpoint> {
    const urls = urlsOf(this.#parameters);
    const url = urls[this.#urlIndex % urls.length] ?? '';
    return readEndpoint(url, this.#parameters, this.#context.baseDir);
  }
}
