import type { Channel, Options } from 'amqplib';
import { replyCode } from '../../lib/amqp-reply.ts';
import type { Clock } from '../../lib/clock.ts';
import { endsWithin } from '../../lib/or-late.ts';
import { Fault } from '../../model/faults.ts';
import { brokerFault } from './broker-fault.ts';
import type { Connection } from './connection.ts';

/**
 * No limit to deliveries: ours is the note of attempts. Not -1, as the manual of RabbitMQ 4 has it: 3.10 takes that too, and then
 * throws away every entry that comes back once (tried: three delivered, channel closed, none left). Without the argument 4.x drops after 20.
 */
const neverReached = 1_000_000_000;

function queueOptions(boundBytes: number | null): Options.AssertQueue {
  const bound = boundBytes === null ? {} : { 'x-max-length-bytes': boundBytes, 'x-overflow': 'reject-publish' };
  return {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      'x-single-active-consumer': true,
      'x-delivery-limit': neverReached,
      ...bound,
    },
  };
}

export interface QueueState {
  /** Delivered to nobody. */
  readonly ready: number;
  readonly consumers: number;
}

const answerMs = 5_000;

/** Asks without declaring; null when there is no such queue. Throws a retryable Fault when the broker cannot say. */
export async function probe(connection: Connection, queue: string, clock: Clock): Promise<QueueState | null> {
  const channel = await connection.channel();
  const asked = channel.checkQueue(queue);
  if (!(await endsWithin(clock, answerMs, asked))) {
    leave(channel);
    throw new Fault('retryable', 'amqp_silent', `${queue}: no answer within ${answerMs} ms`);
  }
  try {
    const { messageCount, consumerCount } = await asked;
    leave(channel);
    return { ready: messageCount, consumers: consumerCount };
  } catch (thrown) {
    if (replyCode(thrown) === 404) return null;
    throw brokerFault(thrown, `asking for ${queue}`);
  }
}

/**
 * The exchange over which everything of a cluster is published. Not the default one: a permission for that is one for every queue of
 * the vhost. And a queue gets no entries before it is bound, which is the last step of its creation.
 */
export function exchangeOf(cluster: string): string {
  return `cg.${cluster}`;
}

/** Idempotent. Throws a fatal Fault when the queue exists with other arguments. */
export async function declare(
  connection: Connection,
  exchange: string,
  queue: string,
  boundBytes: number | null,
): Promise<QueueState> {
  const channel = await connection.channel();
  try {
    await channel.assertExchange(exchange, 'direct', { durable: true });
    const { messageCount, consumerCount } = await channel.assertQueue(queue, queueOptions(boundBytes));
    leave(channel);
    return { ready: messageCount, consumers: consumerCount };
  } catch (thrown) {
    if (replyCode(thrown) !== 406) throw brokerFault(thrown, `declaring ${queue}`);
    throw new Fault('fatal', 'amqp_arguments_differ', argumentsDiffer(queue, thrown as Error), { cause: thrown });
  }
}

/** Idempotent. From here on the queue gets what is published under its name, or under another key. */
export async function bind(connection: Connection, exchange: string, queue: string, key = queue): Promise<void> {
  await onChannel(connection, `binding ${queue}`, (channel) => channel.bindQueue(queue, exchange, key));
}

export async function unbind(connection: Connection, exchange: string, queue: string, key: string): Promise<void> {
  await onChannel(connection, `unbinding ${queue}`, (channel) => channel.unbindQueue(queue, exchange, key));
}

async function onChannel(connection: Connection, doing: string, act: (channel: Channel) => Promise<unknown>): Promise<void> {
  const channel = await connection.channel();
  try {
    await act(channel);
    leave(channel);
  } catch (thrown) {
    throw brokerFault(thrown, doing);
  }
}

/** Closes a channel that nobody uses any more. Refused when it or its connection is gone already: just what we want. */
export function leave(channel: Channel): void {
  void channel.close().catch(() => undefined);
}

/** RabbitMQ says in its text alone which argument differs; the class of the fault never depends on it. */
function argumentsDiffer(queue: string, error: Error): string {
  const found = /inequivalent arg '([^']+)' for .*?: received (.*?) but current is (.*?)"?$/.exec(error.message);
  const [, argument = 'unknown', ours = '?', theirs = '?'] = found ?? [];
  const remedy =
    argument === 'x-max-length-bytes' && /\d/.test(theirs)
      ? `set the bound of the topics to what the queue has (${theirs}), or give the sink another name, which starts it afresh`
      : `somebody else declared it: delete the queue ${queue} if nothing in it is needed, and start the sink under another name`;
  return `the queue ${queue} exists with another ${argument}: ${theirs} instead of ${ours}. Remedy: ${remedy}.`;
}
