import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createVhost, deleteVhost } from '../../services/rabbitmq.ts';
import { requirements, virtualEnvironment } from '../python/virtual-environment.ts';
import { RunningAgent } from './run-agent.ts';
import { makeSite } from './site.ts';

interface Heard {
  readonly event_type: string;
  readonly publisher_id: string;
  /** Ceilometer's own function says so. */
  readonly signed: boolean;
  readonly payload: { readonly event_type: string; readonly message_id: string; readonly traits: readonly unknown[] };
}

const vhost = `aodh-${randomUUID()}`;
let dir: string;
let environment: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'aodh-'));
  environment = await virtualEnvironment(requirements.ceilometer);
}, 600_000);
afterAll(async () => {
  await deleteVhost(vhost);
  await rm(dir, { recursive: true, force: true });
});

it('what goes to notifier://?topic=alarm.all is what an oslo.messaging listener such as Aodh takes, signed', {
  timeout: 120_000,
}, async () => {
  const broker = await createVhost(vhost);
  const site = join(dir, 'etc');
  await makeSite(site, {
    broker,
    package: join(environment, 'lib/python3.11/site-packages/ceilometer'),
    pipeline: 'sources: [{name: s, meters: ["*"], sinks: [k]}]\nsinks: [{name: k, publishers: ["file:///dev/null"]}]\n',
    eventPipeline:
      'sources: [{name: e, events: ["*"], sinks: [k]}]\nsinks: [{name: k, publishers: ["notifier://?topic=alarm.all"]}]\n',
  });
  const script = fileURLToPath(new URL('alarm_listener.py', import.meta.url));
  const url = broker.replace(/^amqp:/, 'rabbit:');
  const listener = spawn(join(environment, 'bin/python'), ['-W', 'ignore', script, url, 'not-so-secret'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('ready');
  const agent = RunningAgent.ours(site, join(dir, 'data'));
  const connection = await connect(broker);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('notifications.info', { durable: false });
  const inner = {
    message_id: 'n-1',
    publisher_id: 'compute.host-1',
    event_type: 'compute.instance.create.end',
    priority: 'INFO',
    payload: { instance_id: 'i-1', tenant_id: 't', user_id: 'u', host: 'host-1', state: 'active', vcpus: 2, memory_mb: 1024 },
    timestamp: '2026-03-02 08:00:37.000000',
    _unique_id: randomUUID(),
  };
  const body = JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(inner) });
  channel.sendToQueue('notifications.info', Buffer.from(body), { contentType: 'application/json', contentEncoding: 'utf-8' });
  await channel.waitForConfirms();

  const heard = JSON.parse(String((await lines.next()).value)) as Heard;
  await connection.close();
  await agent.stop();
  listener.kill();
  await once(listener, 'exit');

  expect(heard).toMatchObject({
    event_type: 'event',
    publisher_id: expect.stringMatching(/^telemetry\.publisher\./),
    signed: true,
    payload: { event_type: 'compute.instance.create.end', message_id: 'n-1' },
  });
  expect(heard.payload.traits).toContainEqual(['instance_id', 1, 'i-1']);
});
