import type { ConfirmChannel, Message } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../model/faults.ts';
import { type BrokerConnection, connectTo } from './broker-connection.ts';
import { brokerFault } from './broker-fault.ts';
import type { readEndpoint } from './endpoints.ts';

const confirmTimeoutMs = 5_000;

/**
 * Publishes into our own raw queues, by the default exchange, over a connection of its own: a broker that is short of memory blocks
 * publishing connections, and must not block the one that consumes.
 */
export class CanaryPublisher {
  readonly #read: () => ReturnType<typeof readEndpoint>;
  readonly #queues: readonly string[];
  readonly #clock: Clock;
  readonly #report: (blocked: boolean, detail: string) => void;
  #opening: Promise<{ readonly connection: BrokerConnection; readonly channel: ConfirmChannel }> | undefined;
  #forbidden = false;

  constructor(
    read: () => ReturnType<typeof readEndpoint>,
    queues: readonly string[],
    clock: Clock,
    report: (blocked: boolean, detail: string) => void,
  ) {
    this.#read = read;
    this.#queues = queues;
    this.#clock = clock;
    this.#report = report;
  }

  /** One copy to each queue, since they have their backlogs apart. `false`: we have no permission to write. Throws retryable Faults. */
  async send(body: Uint8Array): Promise<boolean> {
    if (this.#forbidden) return false;
    try {
      this.#opening ??= this.#connect();
      const { channel } = await this.#opening;
      await this.#publish(channel, body);
      return true;
    } catch (thrown) {
      await this.close(); // a channel with a late or refused confirm is never used again
      const fault = brokerFault(thrown, 'sending a canary');
      if (fault.code !== 'amqp_refused') throw fault;
      this.#forbidden = true;
      return false;
    }
  }

  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    const [opened] = await Promise.allSettled([opening]);
    if (opened.status === 'fulfilled') await opened.value?.connection.close();
  }

  async #connect(): Promise<{ connection: BrokerConnection; channel: ConfirmChannel }> {
    const { endpoint, socket } = await this.#read();
    const connection = await connectTo(endpoint, socket, this.#clock, {
      blocked: (reason) => this.#report(true, `${endpoint.label}: ${reason}`),
      unblocked: () => this.#report(false, endpoint.label),
    });
    try {
      const channel = await connection.model.createConfirmChannel();
      // Told by the pending confirms too; without a listener it would end the process.
      channel.on('error', () => undefined);
      return { connection, channel };
    } catch (thrown) {
      connection.destroy();
      throw thrown;
    }
  }

  /** Resolves when the broker has confirmed every copy; a return arrives before the confirm of the same message. */
  #publish(channel: ConfirmChannel, body: Uint8Array): Promise<void> {
    const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    const timer = new AbortController();
    return new Promise<void>((resolve, reject) => {
      const onClose = () => finish(new Fault('retryable', 'amqp_disconnected', 'the channel was closed'));
      const onReturn = (message: Message) =>
        finish(new Fault('retryable', 'amqp_not_found', `no queue ${message.fields.routingKey}`));
      const finish = (fault?: unknown) => {
        timer.abort();
        for (const [event, listener] of [
          ['error', finish],
          ['close', onClose],
          ['return', onReturn],
        ] as const)
          channel.off(event, listener);
        if (fault === undefined) resolve();
        else reject(fault);
      };
      channel.on('error', finish);
      channel.on('close', onClose);
      channel.on('return', onReturn);
      const late = () => finish(new Fault('retryable', 'amqp_unconfirmed', `not confirmed within ${confirmTimeoutMs} ms`));
      this.#clock.sleep(confirmTimeoutMs, timer.signal).then(late, () => undefined);
      let open = this.#queues.length;
      for (const queue of this.#queues) {
        channel.publish('', queue, content, { mandatory: true, contentType: 'application/json' }, (error) => {
          if (error) finish(error);
          else if (--open === 0) finish();
        });
      }
    });
  }
}
