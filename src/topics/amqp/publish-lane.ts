import type { ConfirmChannel } from 'amqplib';
import { replyCode } from '../../lib/amqp-reply.ts';
import type { Clock } from '../../lib/clock.ts';
import { endsWithin } from '../../lib/or-late.ts';
import { Fault } from '../../model/faults.ts';
import type { Outgoing } from './backlog.ts';
import type { Connection } from './connection.ts';

const closeTimeoutMs = 2_000;

/** What spoiled a lane. `entry`: the one it was about, when that is known. */
export interface Spoiled {
  readonly why: 'returned' | 'nacked' | 'late' | 'closed' | 'lost';
  readonly entry: Outgoing | null;
  readonly fault: Fault;
}

/**
 * One confirm channel, used until the first thing goes wrong on it. After a return, a nack or a late confirm nothing that it says later
 * is believed: RabbitMQ 3.10 was seen to confirm, on such a channel, entries that it did not have (returned, then unconfirmed, then
 * confirmed and missing for good; streams, while the broker restarted).
 *
 * Returns carry no delivery tag and come before the confirm of the same entry, so one return spoils the lane whatever it was for.
 * While the broker blocks us no confirm is late: it reads nothing, and another channel would not be read either.
 */
export class PublishLane {
  readonly #channel: ConfirmChannel;
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #lateMs: number;
  readonly #onSpoiled: (spoiled: Spoiled) => void;
  #spoiled: Spoiled | null = null;
  #outstanding = 0;
  #progressAt = 0;
  #nacking = false;
  #closedBy: Error | null = null;
  readonly #over = new AbortController();

  private constructor(
    channel: ConfirmChannel,
    connection: Connection,
    clock: Clock,
    lateMs: number,
    onSpoiled: (spoiled: Spoiled) => void,
  ) {
    this.#channel = channel;
    this.#connection = connection;
    this.#clock = clock;
    this.#lateMs = lateMs;
    this.#onSpoiled = onSpoiled;
    channel.on('return', ({ fields }) =>
      this.#spoil('returned', null, `nothing takes entries for ${(fields as { readonly routingKey?: string }).routingKey}`),
    );
    channel.on('error', (error) => {
      this.#closedBy = error;
    });
    // Before amqplib's own listeners, which turn a nack and a closed channel into the same error of the callbacks.
    channel.prependListener('nack', () => {
      this.#nacking = true;
    });
    channel.prependListener('close', () => this.#spoilClosed());
  }

  static async open(
    connection: Connection,
    clock: Clock,
    lateMs: number,
    onSpoiled: (spoiled: Spoiled) => void,
  ): Promise<PublishLane> {
    const lane = new PublishLane(await connection.confirmChannel(), connection, clock, lateMs, onSpoiled);
    void lane.#watch();
    return lane;
  }

  get spoiled(): Spoiled | null {
    return this.#spoiled;
  }

  /** `onConfirm` is called at most once, and never after the lane was spoiled. */
  send(entry: Outgoing, onConfirm: () => void): void {
    if (this.#spoiled !== null) return;
    if (this.#outstanding === 0) this.#progressAt = this.#clock.monotonic();
    this.#outstanding += 1;
    const { buffer, byteOffset, byteLength } = entry.bytes;
    const content = Buffer.from(buffer, byteOffset, byteLength);
    const options = { mandatory: true, persistent: true, headers: entry.headers, ...(entry.type && { type: entry.type }) };
    try {
      this.#channel.publish(entry.exchange, entry.key ?? entry.queue, content, options, (error: unknown) => {
        this.#outstanding -= 1;
        this.#progressAt = this.#clock.monotonic();
        if (this.#spoiled !== null) return;
        if (error === null) onConfirm();
        else if (this.#nacking) this.#spoil('nacked', entry, `${entry.queue} takes no more`);
        else this.#spoilClosed();
      });
    } catch {
      // amqplib throws when the channel is closed already; its event may still be on the way.
      this.#spoilClosed();
    }
  }

  /** Never throws. What a broker that answers no more has of this lane may still arrive later, and is a repetition then. */
  async close(): Promise<void> {
    this.#over.abort();
    if (this.#spoiled?.why === 'lost' || this.#spoiled?.why === 'closed') return;
    this.#spoiled ??= { why: 'closed', entry: null, fault: new Fault('retryable', 'closed', 'closed') };
    if (!(await endsWithin(this.#clock, closeTimeoutMs, this.#channel.close()))) this.#connection.abandon(this.#channel);
  }

  #spoilClosed(): void {
    const { lost } = this.#connection;
    if (lost.aborted) this.#spoil('lost', null, (lost.reason as Fault).message);
    else this.#spoil('closed', null, this.#closedBy?.message ?? 'the channel was closed', this.#closedBy);
  }

  #spoil(why: Spoiled['why'], entry: Outgoing | null, message: string, cause?: unknown): void {
    if (this.#spoiled !== null) return;
    this.#over.abort();
    this.#spoiled = { why, entry, fault: new Fault('retryable', `amqp_${why}`, message, { cause }) };
    this.#onSpoiled(this.#spoiled);
  }

  async #watch(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await this.#clock.sleep(this.#lateMs / 4, this.#over.signal).catch(() => undefined);
      if (this.#connection.blockedSince !== null) this.#progressAt = this.#clock.monotonic();
      const late = this.#clock.monotonic() - this.#progressAt >= this.#lateMs;
      if (this.#outstanding > 0 && late) this.#spoil('late', null, `no confirm within ${this.#lateMs} ms`);
    }
  }
}

/** The broker closed the channel because of what was published: too large for it, or not allowed. Else undefined. */
export function blameOf({ why, fault }: Spoiled): Fault | undefined {
  if (why !== 'closed') return undefined;
  const code = replyCode(fault.cause);
  if (code === 406) return new Fault('poison', 'entry_too_large', fault.message, { cause: fault.cause });
  if (code === 403) return new Fault('fatal', 'amqp_refused', `${fault.message} (check the permissions)`, { cause: fault.cause });
  return undefined;
}
