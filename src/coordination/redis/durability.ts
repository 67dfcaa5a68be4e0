import { list, str } from '../../lib/redis-reply.ts';
import { Fault } from '../../model/faults.ts';
import type { RedisConnection } from './connection.ts';

/**
 * What a power cut may take back, read from the running server, never from a configuration of ours.
 *
 * | mode       | server                        | |
 * |------------|-------------------------------|-|
 * | `strict`   | AOF, `appendfsync always`     | nothing that was answered |
 * | `standard` | AOF, `appendfsync everysec`   | about two seconds |
 * | `fast`     | anything else, or not to know | all since its last snapshot, or everything |
 *
 * `appendfsync` is told by CONFIG GET alone. A profile that forbids it gets `fast`: what is not known is not promised.
 *
 * Where sentinels may put a replica in its place, what that one has not yet is lost with the primary, whatever the file of the primary
 * says: `standard` where the server takes no write without a replica that keeps up (`min-replicas-to-write`), else `fast`.
 */
export interface Durability {
  readonly mode: 'strict' | 'standard' | 'fast';
  readonly aof: boolean;
  /** Null: we may not ask. */
  readonly appendfsync: string | null;
  /** False after a failed write: MISCONF is near. */
  readonly writing: boolean;
  /** Replicas that keep up; null: the server takes writes without any. */
  readonly replicas: number | null;
}

export async function readDurability(connection: RedisConnection): Promise<Durability> {
  const info = str(await connection.command('INFO', 'persistence'));
  const aof = /^aof_enabled:1\r?$/m.test(info);
  const writing = !/^aof_last_write_status:err/m.test(info);
  const appendfsync = await readAppendfsync(connection);
  const replicas = /^min_slaves_good_slaves:(\d+)/m.exec(str(await connection.command('INFO', 'replication')))?.[1];
  const onDisk = aof && appendfsync !== null ? (byFsync.get(appendfsync) ?? 'fast') : 'fast';
  const failedOver = replicas === undefined ? 'fast' : 'standard';
  const mode = connection.mayFailOver && onDisk !== 'fast' ? failedOver : onDisk;
  return { mode, aof, appendfsync, writing, replicas: replicas === undefined ? null : Number(replicas) };
}

const byFsync: ReadonlyMap<string, Durability['mode']> = new Map([
  ['always', 'strict'],
  ['everysec', 'standard'],
]);

async function readAppendfsync(connection: RedisConnection): Promise<string | null> {
  try {
    return str(list(await connection.command('CONFIG', 'GET', 'appendfsync'))[1]);
  } catch (error) {
    if (error instanceof Fault && error.code === 'redis_permission') return null;
    throw error;
  }
}
