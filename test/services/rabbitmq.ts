import { connect } from 'amqplib';
import { amqpUrl, rabbitmqHttpUrl } from './with-services.ts';

/** Calls RabbitMQ's management API. */
async function manage(method: string, path: string): Promise<unknown> {
  const url = new URL(await rabbitmqHttpUrl());
  const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
  const answer = await fetch(`${url.origin}${path}`, { method, headers: { authorization } });
  if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 200 ? answer.json() : undefined;
}

/** A virtual host of its own, empty: whatever is in it is the test's. Returns the URL of the broker with it. */
export async function createVhost(name: string): Promise<string> {
  await manage('PUT', `/api/vhosts/${name}`);
  const url = new URL(await amqpUrl());
  url.pathname = `/${name}`;
  return url.toString();
}

export async function deleteVhost(name: string): Promise<void> {
  await manage('DELETE', `/api/vhosts/${name}`);
}

export async function queuesOf(vhost: string): Promise<readonly string[]> {
  return ((await manage('GET', `/api/queues/${vhost}`)) as readonly { readonly name: string }[]).map(({ name }) => name);
}

/** Closes the connections that consume from the queue, as an operator would. Waits for the statistics to know one. */
export async function killConsumersOf(queue: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const consumers = (await manage('GET', '/api/consumers/%2F')) as readonly {
      readonly queue: { readonly name: string };
      readonly channel_details: { readonly connection_name: string };
    }[];
    const ours = consumers.filter((consumer) => consumer.queue.name === queue);
    for (const { channel_details } of ours)
      await manage('DELETE', `/api/connections/${encodeURIComponent(channel_details.connection_name)}`);
    if (ours.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nobody consumes from ${queue}`);
}

/** Publishes to an exchange (`''`: straight to the queue of that name) and waits for the confirm. */
export async function publish(exchange: string, routingKey: string, bodies: readonly string[]): Promise<void> {
  const connection = await connect(await amqpUrl());
  try {
    const channel = await connection.createConfirmChannel();
    for (const body of bodies) channel.publish(exchange, routingKey, Buffer.from(body), { mandatory: true });
    await channel.waitForConfirms();
  } finally {
    await connection.close();
  }
}

export async function deleteQueue(queue: string): Promise<void> {
  const connection = await connect(await amqpUrl());
  try {
    await (await connection.createChannel()).deleteQueue(queue);
  } finally {
    await connection.close();
  }
}

/** Everything in the queue, taken out, once nobody consumes from it any more (what was unacknowledged has returned then). */
export async function takeAll(queue: string): Promise<readonly string[]> {
  const connection = await connect(await amqpUrl());
  try {
    const channel = await connection.createChannel();
    while ((await channel.checkQueue(queue)).consumerCount > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    const bodies: string[] = [];
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) return bodies;
      bodies.push(message.content.toString());
    }
  } finally {
    await connection.close();
  }
}

export async function removeTopology(exchanges: readonly string[], queues: readonly string[]): Promise<void> {
  const connection = await connect(await amqpUrl());
  try {
    const channel = await connection.createChannel();
    for (const queue of queues) await channel.deleteQueue(queue);
    for (const exchange of exchanges) await channel.deleteExchange(exchange);
  } finally {
    await connection.close();
  }
}
