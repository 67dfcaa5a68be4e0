import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';

// Redis 7.0 reads its append-only file as the user `default`: whether that user may do what stands there decides what a restart keeps.

let folder: string;
let server: ChildProcess | undefined;
let client: Redis | undefined;

async function up(): Promise<Redis> {
  const at = join(folder, 'socket');
  const files = ['--dir', folder, '--aclfile', join(folder, 'users.acl'), '--port', '0', '--unixsocket', at];
  server = spawn('redis-server', [...files, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always'], { stdio: 'ignore' });
  client = new Redis(at, {
    username: 'ceilograph',
    password: 'change-this-password',
    disableClientInfo: true,
    retryStrategy: () => 20,
  });
  client.on('error', () => undefined); // not there yet
  return client;
}

async function killed(): Promise<void> {
  client?.disconnect();
  if (server === undefined || server.exitCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGKILL');
  await gone;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-profile-'));
  await writeFile(join(folder, 'users.acl'), await readFile(new URL('../../deploy/redis/users.acl', import.meta.url), 'utf8'));
});
afterEach(async () => {
  await killed();
  await rm(folder, { recursive: true, force: true });
});

it('a Redis under the shipped profile has after a restart what a script wrote in several steps', async () => {
  const twoWrites = "redis.call('HSET',KEYS[1],'a','1') redis.call('HSET',KEYS[1],'b','2') return 1";
  await (await up()).eval(twoWrites, 1, '{ceilograph}:x');
  await killed();

  expect(await (await up()).hgetall('{ceilograph}:x')).toEqual({ a: '1', b: '2' });
});

it('the user that Redis reads its file as can be nobody over the wire', async () => {
  const known = await up();

  for (const password of ['', 'default', 'change-this-password'])
    await expect(known.call('AUTH', 'default', password)).rejects.toThrow('WRONGPASS');
});
