import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { orAborted } from '../../lib/or-aborted.ts';
import { orLate } from '../../lib/or-late.ts';
import { classify, Fault } from '../../model/faults.ts';
import type { Batch, Publisher, PublisherContext, PublisherKind } from '../publisher.ts';
import { packMessages, throwRefused } from '../signed-message.ts';
import { summary, type TcpParameters } from './schema.ts';

/**
 * The protocol has no answers, so the end of the connection is made one (`confirm: close`): a connection per batch, which we end when all is
 * written. A receiver that has read everything and closes ends it in order; one that dies with bytes unread, or closes before
 * it has read them, makes its system reset the connection, and the batch comes again under the same ids. With `confirm: none` the connection stays,
 * as Ceilometer's does, and a receiver that dies loses what it had not read. A connection on which anything failed is
 * never used again, as half a message may stand on it.
 */
export const tcp: PublisherKind<TcpParameters> = {
  name: 'tcp',
  summary,
  open: async (parameters, context) => {
    if (context.kind === 'events')
      throw new Fault('fatal', 'samples_only', 'the tcp publisher takes samples only, as in Ceilometer');
    return new TcpPublisher(parameters, context);
  },
};

class TcpPublisher implements Publisher {
  readonly #parameters: TcpParameters;
  readonly #context: PublisherContext;
  #socket: Socket | undefined;

  constructor(parameters: TcpParameters, context: PublisherContext) {
    this.#parameters = parameters;
    this.#context = context;
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { packed, refused } = packMessages(batch.messagesFrom(this.#parameters.publisher_id ?? hostname()));
    const messages = packed.filter((message) => message !== null);
    const { hand } = this.#context;
    if (hand !== undefined) for (const body of messages) await hand({ to: {}, body });
    else if (messages.length > 0)
      await this.#write(Buffer.concat(messages.flatMap((message) => [lengthOf(message), message])), signal);
    throwRefused(refused);
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#open(signal);
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined || socket.destroyed) return;
    socket.end();
    // What was written is handed over before the connection closes.
    await orLate(this.#context.clock, 1_000, once(socket, 'close'), undefined);
    socket.destroy();
  }

  async #write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const socket = await this.#open(signal);
    const confirmed = this.#parameters.confirm === 'close';
    const written = new Promise<void>((resolve, reject) => {
      let ended = false;
      const onClose = (broken: boolean) => {
        if (confirmed && ended && !broken) resolve();
        else reject(new Fault('retryable', 'tcp_closed', 'the receiver closed the connection before it had everything'));
      };
      socket.once('close', onClose);
      const done = (error?: Error | null) => {
        if (error) reject(classifyNetwork(error));
        else if (!confirmed) {
          socket.off('close', onClose);
          resolve();
        }
      };
      if (!confirmed) socket.write(bytes, done);
      else {
        this.#socket = undefined;
        socket.once('end', () => {
          ended = socket.writableFinished;
        });
        socket.end(bytes, () => undefined);
      }
    });
    await this.#inTime(socket, written, signal);
  }

  async #open(signal: AbortSignal): Promise<Socket> {
    signal.throwIfAborted();
    if (this.#socket !== undefined && !this.#socket.destroyed && this.#socket.writable) return this.#socket;
    const socket = connect({ host: this.#parameters.host, port: this.#parameters.port, noDelay: true, keepAlive: true });
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure = error; // 'close' follows
    });
    // A receiver that leaves ends its side; what we wrote after that would be lost without a word.
    if (this.#parameters.confirm === 'none') socket.on('end', () => socket.destroy());
    socket.resume();
    const connected = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('close', () => reject(classifyNetwork(failure ?? new Error('the connection was closed'))));
    });
    await this.#inTime(socket, connected, signal);
    this.#socket = socket;
    return socket;
  }

  async #inTime(socket: Socket, step: Promise<void>, signal: AbortSignal): Promise<void> {
    const { timeout_ms: timeoutMs } = this.#parameters;
    const late = Symbol('late');
    try {
      const outcome = await orAborted(orLate<void, symbol>(this.#context.clock, timeoutMs, step, late), signal);
      if (outcome === late)
        throw new Fault(
          'retryable',
          'tcp_timeout',
          `the receiver neither took the batch nor closed the connection within ${timeoutMs} ms`,
        );
    } catch (error) {
      socket.destroy();
      if (this.#socket === socket) this.#socket = undefined;
      throw error;
    }
  }
}

function lengthOf(message: Uint8Array): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(message.length));
  return length;
}

function classifyNetwork(error: Error): Fault {
  const fault = classify(error);
  return fault.class === 'retryable' ? fault : new Fault('retryable', 'tcp_network', fault.message, { cause: error });
}
