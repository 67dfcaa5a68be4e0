import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readKeyRing } from '../../../src/config/key-file.ts';
import { projectDir } from '../../run/program.ts';

describe('the secrets of docker-compose.yml', () => {
  let folder: string;
  const script = join(projectDir, 'deploy/compose/secrets.mjs');
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [script, ...args], {
      env: { SECRETS_DIR: folder, DEPLOY_DIR: join(projectDir, 'deploy') },
    });
  const read = async (name: string) => (await readFile(join(folder, name), 'utf8')).trim();
  const all = async () => {
    const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    return Object.fromEntries(
      await Promise.all(names.map(async ({ parentPath, name }) => [name, await readFile(join(parentPath, name), 'utf8')])),
    );
  };
  const ring = () => readKeyRing(join(folder, 'agent/keys.yaml'));

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ceilograph-secrets-'));
    for (const name of ['agent', 'redis', 'rabbitmq', 'generator', 'monitor']) await mkdir(join(folder, name));
    await run();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('are kept when they are there', async () => {
    const before = await all();
    await run();

    expect(Object.keys(before).length).toBeGreaterThan(8);
    expect(await all()).toEqual(before);
  });

  it('are other ones each time', async () => {
    const before = await read('agent/redis-password');
    await rm(join(folder, 'agent/complete'));
    await run();

    expect(await read('agent/redis-password')).not.toBe(before);
  });

  it('replace the password that the Redis profile ships', async () => {
    const users = await read('redis/users.acl');

    expect(users).not.toContain('change-this-password');
    expect(users).toContain(`user ceilograph on >${await read('agent/redis-password')} `);
    expect(users).toContain('user default off');
  });

  it('let every user of RabbitMQ in with his own password alone', async () => {
    const { users } = JSON.parse(await read('rabbitmq/definitions.json')) as { users: { name: string; password_hash: string }[] };
    const passwords: Record<string, string> = {
      'ceilograph-raw': await read('agent/raw-password'),
      'ceilograph-internal': await read('agent/internal-password'),
      notifier: await read('generator/notifier-password'),
      operator: await read('rabbitmq/operator-password'),
    };

    expect(users.map(({ name }) => name)).toEqual(Object.keys(passwords));
    for (const { name, password_hash } of users) {
      const bytes = Buffer.from(password_hash, 'base64');
      const hash = createHash('sha256').update(bytes.subarray(0, 4)).update(String(passwords[name])).digest();
      expect(bytes.subarray(4).equals(hash), name).toBe(true);
    }
    expect(new Set(Object.values(passwords)).size).toBe(4);
  });

  it('hold a key ring whose key changes in three steps, in each of which the one before is known', async () => {
    const first = (await ring()).sign('x');
    await run('key', 'add', 'k2');
    const added = await ring();
    expect([added.active, added.knows('k2')]).toEqual(['k1', true]);
    await run('key', 'activate', 'k2');
    const active = await ring();
    expect([active.active, active.verify(first, 'x')]).toEqual(['k2', true]);
    await run('key', 'drop', 'k1');

    expect((await ring()).verify(first, 'x')).toBe(false);
  });

  it('never lose the key that signs, and say what there is', async () => {
    await expect(run('key', 'drop', 'k1')).rejects.toThrow('k1 signs; activate another one first');
    await expect(run('key', 'activate', 'k9')).rejects.toThrow('there is no key k9; there are: k1');
    await expect(run('key', 'add', 'k1')).rejects.toThrow('there is a key k1');
    expect((await run('key', 'list')).stdout).toBe('k1 (signs)\n');
  });
});

it('the example of a key ring is refused as it is', async () => {
  await expect(readKeyRing(join(projectDir, 'deploy/keys.example.yaml'))).rejects.toThrow(/keys\.example\.yaml:\d+/);
});
