import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { PrivateRedis } from '../services/redis.ts';
import { openPorts, type RedisConfig } from './redis-ports.ts';
import type { Ports, World } from './world.ts';

let server: Promise<PrivateRedis> | undefined;

afterAll(async () => {
  await (await server)?.stop();
  server = undefined;
});

/** A cluster of its own in one Redis per test file; everybody works under the profile that we ship. */
export async function redisWorld(): Promise<World<Pick<Ports, 'group' | 'store'>>> {
  server ??= PrivateRedis.start();
  const redis = await server;
  const cluster = `t${randomUUID()}`;
  const dir = await mkdtemp(join(tmpdir(), 'ceilograph-control-'));
  const password = randomUUID();
  const config: RedisConfig = { url: redis.url, username: cluster, password, cluster, controlFile: join(dir, 'control.json') };
  const opened: { close(): Promise<void> }[] = [];
  const closeAll = async () => {
    await Promise.all(opened.splice(0).map((ports) => ports.close()));
  };
  await redis.addUser(cluster, cluster, password);
  return {
    open: async () => {
      const ports = await openPorts(config);
      opened.push(ports);
      return ports;
    },
    restart: async () => {
      await closeAll();
      await redis.restart();
    },
    child: { module: new URL('./redis-ports.ts', import.meta.url), config },
    dispose: async () => {
      await closeAll();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
