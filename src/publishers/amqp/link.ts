import { type ChannelModel, type ConfirmChannel, connect, type Options } from 'amqplib';
import type { Clock } from '../../lib/clock.ts';
import { endsWithin } from '../../lib/or-late.ts';
import { classify, Fault } from '../../model/faults.ts';
import type { TlsOptions } from '../../model/tls-files.ts';
import { confirmed } from './confirmed.ts';

export interface LinkOptions {
  readonly urls: readonly string[];
  readonly socketOptions: TlsOptions;
  readonly connectionName: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Declares what the channel publishes to. */
  readonly prepare: (channel: ConfirmChannel) => Promise<void>;
}

/**
 * One connection with one confirm channel, made when first needed and again after it was dropped. It does not retry: the lane that
 * calls us waits with jitter behind its breaker.
 *
 * A channel that saw a return, a nack or a late confirm is never used again: which of the messages on it the broker has is unknown
 * then, and a later confirm could be taken for theirs. After a late confirm the connection goes too, for a blocked broker reads
 * nothing from it any more, a polite close included.
 */
export class Link {
  readonly #options: LinkOptions;
  #connection: ChannelModel | undefined;
  #channel: ConfirmChannel | undefined;
  #next = 0;
  readonly #closings = new Set<Promise<void>>();

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Resolves once the broker confirmed the message and did not return it. */
  async publish(exchange: string, key: string, body: Buffer, options: Options.Publish, signal: AbortSignal): Promise<void> {
    const channel = await this.channel(signal);
    try {
      await confirmed(channel, exchange, key, body, options, this.#options, signal);
    } catch (error) {
      const late = signal.aborted || (error instanceof Fault && error.code === 'amqp_confirm_late');
      this.#drop(late);
      throw signal.aborted ? signal.reason : toFault(error);
    }
  }

  async channel(signal: AbortSignal): Promise<ConfirmChannel> {
    signal.throwIfAborted();
    if (this.#channel !== undefined) return this.#channel;
    try {
      this.#connection ??= await this.#connect();
      const channel = await this.#connection.createConfirmChannel();
      channel.on('error', () => undefined); // 'close' follows, and whoever waits for a confirm gets the error itself
      channel.on('close', () => {
        if (this.#channel === channel) this.#channel = undefined;
      });
      await this.#options.prepare(channel);
      this.#channel = channel;
      return channel;
    } catch (error) {
      this.#drop(true);
      throw toFault(error);
    }
  }

  async close(): Promise<void> {
    this.#drop(true);
    await Promise.all(this.#closings);
  }

  async #connect(): Promise<ChannelModel> {
    const { urls, socketOptions, connectionName, timeoutMs } = this.#options;
    const url = new URL(urls[this.#next++ % urls.length] as string);
    if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', '10');
    const connection = await connect(url.href, {
      ...socketOptions,
      timeout: timeoutMs,
      noDelay: true,
      clientProperties: { connection_name: connectionName },
    });
    connection.on('error', () => undefined); // 'close' follows
    connection.on('close', () => {
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      this.#channel = undefined;
    });
    return connection;
  }

  #drop(connectionToo: boolean): void {
    const channel = this.#channel;
    this.#channel = undefined;
    if (channel !== undefined && !connectionToo) this.#inBackground(channel.close());
    if (!connectionToo || this.#connection === undefined) return;
    const connection = this.#connection;
    this.#connection = undefined;
    this.#inBackground(this.#closeConnection(connection));
  }

  async #closeConnection(connection: ChannelModel): Promise<void> {
    if (await endsWithin(this.#options.clock, 2000, connection.close())) return;
    (connection.connection as unknown as { stream?: { destroy(): void } }).stream?.destroy();
  }

  #inBackground(closing: Promise<void>): void {
    // What was closed already cannot be closed; there is nothing left to save on it.
    const ended = closing.catch(() => undefined).finally(() => this.#closings.delete(ended));
    this.#closings.add(ended);
  }
}

/** The broker's replies by what heals them: a message beyond its size limit never goes; all else may go later. */
function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 406 && /message size/.test(message)) return new Fault('poison', 'amqp_too_large', message, { cause: error });
  if (code === 406) return new Fault('retryable', 'amqp_precondition_failed', message, { cause: error, retryAfterMs: 30_000 });
  const fault = classify(error);
  return fault.class === 'retryable' ? fault : new Fault('retryable', 'amqp_connection', message, { cause: error });
}
