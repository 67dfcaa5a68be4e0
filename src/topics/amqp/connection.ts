import { setMaxListeners } from 'node:events';
import { type Channel, type ChannelModel, type ConfirmChannel, connect, type SocketOptions } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import { endsWithin } from '../../lib/or-late.ts';
import { classify, Fault } from '../../model/faults.ts';
import { brokerFault } from './broker-fault.ts';

const closeTimeoutMs = 2_000;
const mostAbandoned = 32;

/** An open connection. `lost` aborts, with the Fault as reason, when it ends, however it does. */
export interface Connection {
  readonly label: string;
  readonly lost: AbortSignal;
  /** The broker reads nothing from us because memory or disk run out; since then (epoch ms). */
  readonly blockedSince: number | null;
  channel(): Promise<Channel>;
  confirmChannel(): Promise<ConfirmChannel>;
  /**
   * Leaves a channel alone that does not close: one queue without a leader keeps its channel busy for ever, and must not cost the others
   * their connection. Only when there are many of them it is destroyed.
   */
  abandon(channel: Channel): void;
  /** Ends it in order; a broker that does not answer within 2 s loses the socket. Never throws. */
  close(): Promise<void>;
  /** Ends it now: whatever is unacknowledged returns to its queues. */
  destroy(reason: Fault): void;
}

export interface ConnectOptions {
  /** `amqp://user:password@host:port/vhost`, or `amqps`: nodes of one cluster. */
  readonly urls: readonly string[];
  readonly name: string;
  readonly heartbeatS: number;
  readonly socket: SocketOptions;
  readonly clock: Clock;
  readonly onBlocked: (since: number | null, reason: string) => void;
}

/** To the first that takes us, beginning with the `from`th. Throws the Fault of the last. */
export async function openConnection(options: ConnectOptions, from = 0): Promise<Connection> {
  const { urls } = options;
  let fault = new Fault('fatal', 'amqp_no_url', 'no URL of a broker is given');
  for (let i = 0; i < urls.length; i++) {
    try {
      return await openOne(urls[(from + i) % urls.length] as string, options);
    } catch (thrown) {
      fault = classify(thrown);
    }
  }
  throw fault;
}

/** Every event that could become an unhandled `error` has its listener before this returns. */
async function openOne(address: string, options: ConnectOptions): Promise<Connection> {
  const { clock } = options;
  const url = new URL(address);
  const label = `${url.protocol}//${url.host}${url.pathname}`;
  url.searchParams.set('heartbeat', String(options.heartbeatS));
  let model: ChannelModel;
  try {
    model = await connect(url.href, {
      keepAlive: true,
      ...options.socket,
      noDelay: true,
      clientProperties: { connection_name: options.name },
    });
  } catch (thrown) {
    throw brokerFault(thrown, `connecting to ${label}`);
  }
  const lost = new AbortController();
  setMaxListeners(0, lost.signal); // everybody who waits for something on it
  let blockedSince: number | null = null;
  const lose = (error: unknown) => {
    if (!lost.signal.aborted) lost.abort(lostFault(error, label));
  };
  const setBlocked = (since: number | null, reason: string) => {
    blockedSince = since;
    options.onBlocked(since, reason);
  };
  model.on('error', lose);
  model.on('close', lose);
  model.on('blocked', (reason) => setBlocked(clock.now(), reason));
  model.on('unblocked', () => setBlocked(null, ''));
  // amqplib hides the socket from its types, and offers no other way to leave a broker that stopped answering.
  const { stream } = model.connection as unknown as { readonly stream: { destroy(): void } };
  const opened = async <C extends Channel>(opening: () => Promise<C>): Promise<C> => {
    try {
      const channel = await opening();
      // 'close' follows, and whoever waits for an answer gets the error itself.
      channel.on('error', () => undefined);
      return channel;
    } catch (thrown) {
      throw lost.signal.aborted ? lost.signal.reason : brokerFault(thrown, `opening a channel at ${label}`);
    }
  };
  const destroy = (reason: Fault) => {
    lose(reason);
    stream.destroy();
  };
  let abandoned = 0;
  return {
    label,
    lost: lost.signal,
    get blockedSince() {
      return blockedSince;
    },
    channel: () => opened(() => model.createChannel()),
    confirmChannel: () => opened(() => model.createConfirmChannel()),
    abandon(channel) {
      abandoned += 1;
      channel.once('close', () => {
        abandoned -= 1;
      });
      if (abandoned > mostAbandoned) destroy(new Fault('retryable', 'amqp_silent', `${label} does not close its channels`));
    },
    destroy,
    async close() {
      const open = !lost.signal.aborted;
      lose(new Fault('retryable', 'closed', `closed the connection to ${label}`));
      // A close to a broker that reads nothing would never be answered.
      if (open && blockedSince === null) await endsWithin(clock, closeTimeoutMs, model.close());
      stream.destroy();
    },
  };
}

function lostFault(error: unknown, label: string): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : 'closed';
  return new Fault('retryable', 'amqp_disconnected', `${label}: ${message}`, { cause: error });
}
