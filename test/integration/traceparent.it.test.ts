import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentUnderTest } from '../faults/agent-under-test.ts';
import { until } from '../faults/until.ts';
import { createVhost, deleteVhost, queuesOf } from '../services/rabbitmq.ts';

const withinMs = 60_000;
const span = (trace: string, of: string) => `00-${trace.repeat(32)}-${of.repeat(16)}-01`;

describe('the trace of a notification', () => {
  let folder: string;
  let vhost: string;
  let url: string;
  let connection: ChannelModel;
  let channel: Channel;
  let agent: AgentUnderTest | undefined;
  let server: Server;
  /** By the id of the event, the header of its request. */
  const posted = new Map<string, string | undefined>();

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ceilograph-trace-'));
    vhost = `trace-${randomUUID()}`;
    url = await createVhost(vhost);
    connection = await connect(url);
    channel = await connection.createChannel();
    agent = undefined;
    posted.clear();
    server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { message_id: id } = JSON.parse(body) as { readonly message_id: string };
      posted.set(id, request.headers['traceparent'] as string | undefined);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    await agent?.close();
    await connection.close();
    await deleteVhost(vhost);
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const prepare = async (sinks: Readonly<Record<string, string>>) => {
    const pipelines = join(folder, 'pipelines');
    await mkdir(pipelines);
    for (const [sink, text] of Object.entries(sinks)) await writeFile(join(pipelines, `${sink}.yaml`), `sink: ${sink}\n${text}`);
    const input = `amqp: { url: "${url}", exchanges: [nova], priorities: [info], durable: true }`;
    agent = await AgentUnderTest.prepare(folder, input, pipelines);
    agent.start();
    await until(async () => (await queuesOf(vhost)).includes('notifications.info'), withinMs, 'the agent declared no queue');
  };
  const notify = (id: string, traceparent?: string) => {
    const body = { event_type: 'compute.instance.x', message_id: id, timestamp: new Date().toISOString(), payload: {} };
    const notification = { publisher_id: 'nova', priority: 'INFO', ...body };
    const headers = traceparent === undefined ? {} : { traceparent };
    channel.publish('nova', 'notifications.info', Buffer.from(JSON.stringify(notification)), { headers });
  };
  /** Of messages in a queue, which events they hold and which header they have, until so many events came. */
  const taken = async (queue: string, events: number) => {
    const messages: { readonly ids: readonly string[]; readonly traceparent: unknown }[] = [];
    const come = async () => {
      for (;;) {
        const message = (await queuesOf(vhost)).includes(queue) && (await channel.get(queue, { noAck: true }));
        if (message === false) break;
        const { 'oslo.message': inner } = JSON.parse(message.content.toString()) as { readonly 'oslo.message': string };
        const { payload } = JSON.parse(inner) as { readonly payload: readonly { readonly message_id: string }[] };
        const ids = payload.map((one) => one.message_id);
        messages.push({ ids, traceparent: message.properties.headers?.['traceparent'] });
      }
      return messages.flatMap(({ ids }) => ids).length >= events;
    };
    await until(come, withinMs, `there were no ${events} events in ${queue}`);
    return messages;
  };
  const target = (topic: string, more = '') =>
    `  - amqp: { url: "${url}", exchange: out, topic: ${topic}, queue_durable: true${more} }\n`;

  it('leaves with what came of it alone, whether a sink keeps state or not', async () => {
    const { port } = server.address() as AddressInfo;
    const http = `  - http: { url: "http://127.0.0.1:${port}/in", format: item }\n`;
    await prepare({
      direct: `from: events\nmatch: ["*"]\npublish:\n${target('direct', ', batch: { max_items: 1 }')}${http}`,
      stateful: `from: events\nmatch: ["*"]\npartition_by: [event_type]\npartitions: 2\ntransform: [deduplicate: { window: 1m }]\npublish:\n${target('stateful', ', batch: { max_items: 1 }')}`,
    });
    const sent: Readonly<Record<string, string | undefined>> = { n1: span('a', '1'), n2: span('b', '2'), n3: undefined };
    for (const [id, traceparent] of Object.entries(sent)) notify(id, traceparent);

    for (const topic of ['direct', 'stateful']) {
      const messages = await taken(`${topic}.sample`, 3);
      const got = messages.flatMap(({ ids, traceparent }) => ids.map((id) => [id, traceparent] as const));
      expect([topic, Object.fromEntries(got)]).toEqual([topic, sent]);
    }
    await until(async () => posted.size === 3, withinMs, 'not all was posted');
    expect(Object.fromEntries(posted)).toEqual(sent);
  }, 120_000);

  it('leaves with a message of several where all of them belong to it', async () => {
    await prepare({ together: `from: events\nmatch: ["*"]\npublish:\n${target('together', ', batch: { linger_ms: 2000 }')}` });
    notify('n1', span('a', '1'));
    notify('n2', span('a', '2'));
    const [of, ...others] = await taken('together.sample', 2);
    notify('n3', span('a', '3'));
    notify('n4', span('b', '4'));
    const [mixed] = await taken('together.sample', 2);

    expect([of?.ids, of?.traceparent, others]).toEqual([['n1', 'n2'], span('a', '1'), []]);
    expect([mixed?.ids, mixed?.traceparent]).toEqual([['n3', 'n4'], undefined]);
  }, 120_000);
});
