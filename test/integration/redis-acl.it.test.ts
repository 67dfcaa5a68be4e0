import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PrivateRedis } from '../services/redis.ts';

describe('the Redis profile that we ship', () => {
  let redis: PrivateRedis;
  let client: Redis;

  beforeEach(async () => {
    redis = await PrivateRedis.start();
    await redis.addUser('ours', 'agent', 'secret');
    client = new Redis(redis.port, '127.0.0.1', { username: 'agent', password: 'secret', disableClientInfo: true });
  });
  afterEach(async () => {
    client.disconnect();
    await redis.stop();
  });

  it('is a file that Redis loads, and leaves no user without a password', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'acl-'));
    const shipped = await readFile(new URL('../../deploy/redis/users.acl', import.meta.url), 'utf8');
    await writeFile(join(dir, 'users.acl'), shipped);
    const args = ['--port', '0', '--unixsocket', join(dir, 's'), '--dir', dir, '--aclfile', join(dir, 'users.acl')];
    const server = execFile('redis-server', args);
    const root = new Redis(join(dir, 's'), { disableClientInfo: true, retryStrategy: () => 20 });
    root.on('error', () => undefined); // not there yet, then not let in
    try {
      const user = new Redis(join(dir, 's'), {
        username: 'ceilograph',
        password: 'change-this-password',
        disableClientInfo: true,
        retryStrategy: () => 20,
      });
      user.on('error', () => undefined); // not there yet
      expect(await user.ping()).toBe('PONG');
      user.disconnect();
      await expect(root.ping()).rejects.toThrow('NOAUTH');
    } finally {
      root.disconnect();
      server.kill('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    }
  });

  it.each<[string, string, readonly string[]]>([
    ['a plain write', 'SET', ['{ours}:x', '1']],
    ['a write from a script', 'EVAL', ["return redis.call('SET',KEYS[1],1)", '1', '{ours}:x']],
    ['a key of another cluster', 'HSET', ['{theirs}:meta', 'inc', '9']],
    ['a key that only begins like ours', 'HSET', ['{ours}x', 'inc', '9']],
    ['a foreign key named to a script', 'EVAL', ["return redis.call('HSET',KEYS[1],'a',1)", '1', '{theirs}:meta']],
    ['a foreign key hidden in a script', 'EVAL', ["return redis.call('HSET','{theirs}:meta','a',1)", '0']],
    ['a time to live', 'EXPIRE', ['{ours}:meta', '1']],
    ['to list keys', 'KEYS', ['*']],
    ['to flush', 'FLUSHALL', []],
    ['to flush scripts', 'SCRIPT', ['FLUSH']],
    ['to change settings', 'CONFIG', ['SET', 'appendfsync', 'no']],
    ['to change users', 'ACL', ['SETUSER', 'agent', '+@all']],
    ['to stop the server', 'SHUTDOWN', []],
    ['to become a replica', 'REPLICAOF', ['127.0.0.1', '1']],
    ['to listen to others', 'MONITOR', []],
    ['to publish', 'PUBLISH', ['{ours}:x', '1']],
  ])('forbids %s', async (_, command, args) => {
    await expect(client.call(command, ...args)).rejects.toThrow(/NOPERM|ACL failure|can't run|can't access/);
  });
});
