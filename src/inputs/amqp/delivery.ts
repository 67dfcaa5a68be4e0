import type { ConsumeMessage } from 'amqplib';
import { traceparentOf } from '../../lib/traceparent.ts';
import { priorities } from '../../model/notification.ts';
import type { Custody, Delivery } from '../input.ts';

/** What the messages of one queue mostly have in common: one object for all of them. */
export interface Route {
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  readonly origin: string;
  readonly priority: string | undefined;
}

/** The same object again for a message that came the same way as the one before. */
export function routeOf(queue: string, { exchange, routingKey }: ConsumeMessage['fields'], before?: Route): Route {
  if (before?.exchange === exchange && before.routingKey === routingKey) return before;
  return { queue, exchange, routingKey, origin: `amqp://${exchange}/${queue}`, priority: priorityOf(routingKey) };
}

/** The queue is named `<topic>.<priority>`; a body without priority takes this one. */
function priorityOf(routingKey: string): string | undefined {
  const last = routingKey.slice(routingKey.lastIndexOf('.') + 1).toLowerCase();
  return priorities.find((priority) => priority === last);
}

/** The channel that a message came on. */
export interface Receipts {
  readonly custody: Custody;
  settle(delivery: AmqpDelivery): void;
  giveBack(delivery: AmqpDelivery): void;
}

const noBody = new Uint8Array(0);

/**
 * What is kept of a message until it is settled. A thousand of them wait at any time, for longer than garbage stays young, so each costs what
 * it takes to copy it twice: no closures, and nothing of what amqplib says of a message but this (CPU figures: decision 13).
 */
export class AmqpDelivery implements Delivery {
  body: Uint8Array;
  readonly origin: string;
  readonly priority: string | undefined;
  readonly custody: Custody;
  readonly traceparent: string | undefined;
  readonly redelivered: boolean;
  readonly deliveryTag: number;
  readonly queue: string;
  readonly #receipts: Receipts;
  #open = true;

  constructor({ content, fields, properties }: ConsumeMessage, route: Route, receipts: Receipts) {
    this.body = content;
    this.origin = route.origin;
    this.priority = route.priority;
    this.custody = receipts.custody;
    this.traceparent = traceparentOf(properties.headers?.['traceparent']);
    this.redelivered = fields.redelivered;
    this.deliveryTag = fields.deliveryTag;
    this.queue = route.queue;
    this.#receipts = receipts;
  }

  bodyRead(): void {
    this.body = noBody;
  }

  settle(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#receipts.settle(this);
  }

  giveBack(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#receipts.giveBack(this);
  }
}
