import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { probeCluster } from '../../src/agent/probe-cluster.ts';
import { loadAgent } from '../../src/config/load-agent.ts';
import { freePort } from '../services/free-port.ts';
import { createVhost, deleteVhost } from '../services/rabbitmq.ts';
import { PrivateRedis } from '../services/redis.ts';

let redis: PrivateRedis;
let folder: string;
let amqp: string;

beforeAll(async () => {
  redis = await PrivateRedis.start();
  await redis.addUser('c', 'agents', 'secret');
  amqp = await createVhost('probe-cluster');
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-probe-'));
  await writeFile(join(folder, 'keys.yaml'), 'active: k1\nkeys: { k1: "a key for tests, which anybody may know" }\n');
});
afterAll(async () => {
  await redis.stop();
  await deleteVhost('probe-cluster');
  await rm(folder, { recursive: true });
});

async function probed(password: string, broker: string) {
  const [server, user] = [redis.url.replace('://', `://:${password}@`), 'agents'];
  await writeFile(
    join(folder, 'agent.yaml'),
    `cluster: c\ncoordination: { redis: { url: "${server}", acl_user: ${user} }, keys_file: keys.yaml }\ntopics: { amqp: { url: "${broker}" } }\n`,
  );
  return probeCluster(await loadAgent(join(folder, 'agent.yaml'), {}));
}

it('Redis and the broker of a cluster that was never started answer, and nothing is written', async () => {
  expect(await probed('secret', amqp)).toEqual([
    { what: 'coordination.redis', fault: null },
    { what: 'topics.amqp', fault: null },
  ]);
  expect(await redis.admin('KEYS', '*')).toEqual([]);
});

it('A server that does not answer is told with its reason', { timeout: 30_000 }, async () => {
  expect(await probed('wrong', `amqp://127.0.0.1:${await freePort()}`)).toEqual([
    { what: 'coordination.redis', fault: expect.stringContaining('check the password') },
    { what: 'topics.amqp', fault: expect.stringContaining('no broker within') },
  ]);
});
