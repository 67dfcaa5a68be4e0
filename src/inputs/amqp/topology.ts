import type { Channel, Options } from 'amqplib';
import { brokerFault } from './broker-fault.ts';
import { queueNames } from './queue-names.ts';
import type { AmqpInputParameters } from './schema.ts';

/** What we listen to: each queue is named like its routing key and bound to every exchange, as oslo.messaging does. */
export interface Topology {
  readonly exchanges: readonly string[];
  readonly exchangeType: string;
  readonly exchange: Options.AssertExchange;
  readonly queues: readonly string[];
  readonly queue: Options.AssertQueue;
}

type TopologyParameters = Pick<
  AmqpInputParameters,
  'exchanges' | 'topics' | 'priorities' | 'durable' | 'auto_delete' | 'quorum' | 'ha' | 'exchange_type' | 'queue_arguments'
>;

export function toTopology(parameters: TopologyParameters): Topology {
  const durable = parameters.durable || parameters.quorum;
  const queueArguments: Record<string, unknown> = { ...parameters.queue_arguments };
  if (parameters.quorum) queueArguments['x-queue-type'] = 'quorum';
  if (parameters.ha) queueArguments['x-ha-policy'] = 'all';
  return {
    exchanges: parameters.exchanges,
    exchangeType: parameters.exchange_type,
    exchange: { durable, autoDelete: parameters.auto_delete },
    queues: queueNames(parameters),
    queue: { durable, autoDelete: parameters.auto_delete, arguments: queueArguments },
  };
}

/** Idempotent. Other flags than the site's are a fatal Fault that names the one to change (the channel is dead then). */
export async function declareTopology(channel: Channel, topology: Topology): Promise<void> {
  for (const exchange of topology.exchanges) {
    await during(`declaring exchange ${exchange}`, channel.assertExchange(exchange, topology.exchangeType, topology.exchange));
  }
  for (const queue of topology.queues) {
    await during(`declaring queue ${queue}`, channel.assertQueue(queue, topology.queue));
    for (const exchange of topology.exchanges) {
      await during(`binding queue ${queue} to ${exchange}`, channel.bindQueue(queue, exchange, queue));
    }
  }
}

export async function during<T>(doing: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (thrown) {
    throw brokerFault(thrown, doing);
  }
}
