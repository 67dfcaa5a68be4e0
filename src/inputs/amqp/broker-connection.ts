import type { Socket } from 'node:net';
import { type ChannelModel, connect, type SocketOptions } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import { endsWithin } from '../../lib/or-late.ts';
import { brokerFault } from './broker-fault.ts';
import type { Endpoint } from './endpoints.ts';

const closeTimeoutMs = 2_000;

/** An open connection. `lost` aborts, with the Fault as reason, when it ends by itself; ours to `close`. */
export interface BrokerConnection {
  readonly model: ChannelModel;
  readonly label: string;
  readonly lost: AbortSignal;
  /** Called whenever the broker has sent something, before that is dealt with. */
  onHeard(heard: () => void): void;
  /** Ends it in order; a broker that does not answer within 2 s loses the socket. Never throws. */
  close(): Promise<void>;
  /** Ends it now: whatever is unacknowledged returns to its queues. */
  destroy(): void;
}

export interface BlockedReport {
  readonly blocked: (reason: string) => void;
  readonly unblocked: () => void;
}

/** Throws a Fault. Every event that could become an unhandled `error` has its listener before this returns. */
export async function connectTo(
  endpoint: Endpoint,
  socket: SocketOptions,
  clock: Clock,
  report?: BlockedReport,
): Promise<BrokerConnection> {
  let model: ChannelModel;
  try {
    model = await connect(endpoint.connect, socket);
  } catch (thrown) {
    throw brokerFault(thrown, `connecting to ${endpoint.label}`);
  }
  const lost = new AbortController();
  let open = true;
  const lose = (error: unknown) => {
    open = false;
    if (!lost.signal.aborted) lost.abort(brokerFault(error ?? new Error('closed'), endpoint.label));
  };
  model.on('error', lose);
  model.on('close', lose);
  if (report !== undefined) {
    model.on('blocked', report.blocked);
    model.on('unblocked', report.unblocked);
  }
  // amqplib hides the socket from its types, and offers no other way to leave a broker that stopped answering.
  const { stream } = model.connection as unknown as { readonly stream: Socket };
  const destroy = () => {
    open = false;
    stream.destroy();
  };
  return {
    model,
    label: endpoint.label,
    lost: lost.signal,
    destroy,
    onHeard(heard) {
      let { bytesRead } = stream;
      // The end of the stream is readable too, and no sign of life.
      stream.prependListener('readable', () => {
        if (stream.bytesRead > bytesRead) heard();
        bytesRead = stream.bytesRead;
      });
    },
    async close() {
      if (!open) return destroy();
      open = false;
      // Refused because it is closing or closed already: just what we want.
      await endsWithin(clock, closeTimeoutMs, model.close());
      destroy();
    },
  };
}
