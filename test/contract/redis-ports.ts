import { openRedis } from '../../src/coordination/redis/open-redis.ts';
import { createKeyRing } from '../../src/lib/key-ring.ts';
import { RedisStore } from '../../src/state/redis/redis-store.ts';
import { FileControlLog } from '../services/file-control-log.ts';

export interface RedisConfig {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly cluster: string;
  readonly controlFile: string;
}

export const testRing = createKeyRing('k1', new Map([['k1', 'only for tests, '.repeat(4)]]));

export async function openPorts({ controlFile, ...server }: RedisConfig) {
  const control = new FileControlLog(controlFile);
  const coordination = openRedis({ ...server, ring: testRing, control });
  return {
    group: coordination.group,
    store: new RedisStore(coordination.guarded),
    coordination,
    close: () => coordination.close(),
  };
}
