import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { orAborted } from '../../lib/or-aborted.ts';
import { classify, Fault } from '../../model/faults.ts';
import type { Batch, Hand, Publisher, PublisherKind } from '../publisher.ts';
import { packMessages, throwRefused } from '../signed-message.ts';
import { summary, type UdpParameters } from './schema.ts';

/** The most that one datagram over IPv4 carries. */
const mostBytes = 65_507;

/** Accepted means that this machine's network took the datagram; UDP knows no more. */
export const udp: PublisherKind<UdpParameters> = {
  name: 'udp',
  summary,
  open: async (parameters, context) => {
    if (context.kind === 'events')
      throw new Fault('fatal', 'samples_only', 'the udp publisher takes samples only, as in Ceilometer');
    return new UdpPublisher(parameters, context.hand);
  },
};

class UdpPublisher implements Publisher {
  readonly #parameters: UdpParameters;
  readonly #hand: Hand | undefined;
  #socket: { readonly socket: Socket; readonly address: string } | undefined;

  constructor(parameters: UdpParameters, hand: Hand | undefined) {
    this.#parameters = parameters;
    this.#hand = hand;
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    const { packed, refused } = packMessages(batch.messages());
    const send = this.#hand === undefined ? await this.#sender(signal) : toHand(this.#hand);
    for (const [index, message] of packed.entries()) {
      if (message === null) continue;
      if (message.length > mostBytes) {
        refused.set(index, `${message.length} bytes are more than a datagram carries (${mostBytes})`);
        continue;
      }
      signal.throwIfAborted();
      await orAborted(send(message), signal);
    }
    throwRefused(refused);
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#open(signal);
  }

  async close(): Promise<void> {
    const open = this.#socket;
    this.#socket = undefined;
    if (open !== undefined) await new Promise<void>((resolve) => open.socket.close(() => resolve()));
  }

  async #open(signal: AbortSignal): Promise<{ readonly socket: Socket; readonly address: string }> {
    signal.throwIfAborted();
    if (this.#socket !== undefined) return this.#socket;
    const found = await orAborted(lookup(this.#parameters.host), signal).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : toFault(error);
    });
    const socket = createSocket(found.family === 6 ? 'udp6' : 'udp4');
    socket.on('error', () => undefined); // whoever sends gets it himself
    socket.unref();
    this.#socket = { socket, address: found.address };
    return this.#socket;
  }

  async #sender(signal: AbortSignal): Promise<(message: Uint8Array) => Promise<void>> {
    const { socket, address } = await this.#open(signal);
    return (message) =>
      new Promise((resolve, reject) => {
        socket.send(message, this.#parameters.port, address, (error) => {
          if (error === null) resolve();
          else reject(toFault(error));
        });
      });
  }
}

function toHand(hand: Hand): (message: Uint8Array) => Promise<void> {
  return (body) => hand({ to: {}, body });
}

function toFault(error: unknown): Fault {
  const fault = classify(error);
  return fault.class === 'retryable' ? fault : new Fault('retryable', 'udp_network', fault.message, { cause: error });
}
