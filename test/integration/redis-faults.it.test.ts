import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../contract/world.ts';
import { makeCertificate } from '../services/certificate.ts';
import { freePort } from '../services/free-port.ts';
import {
  type Agent,
  acquired,
  alice,
  commitOf,
  inTheEnd,
  loaded,
  longMs,
  memberOf,
  TestCluster,
} from '../services/redis-cluster.ts';
import { startProxy, type TcpProxy } from '../services/tcp-proxy.ts';

describe('what happens between us and Redis', () => {
  let cluster: TestCluster;
  let agent: Agent;
  let proxy: TcpProxy | undefined;

  beforeEach(async () => {
    cluster = await TestCluster.start(['--enable-protected-configs', 'yes']);
    agent = cluster.agent();
  });
  afterEach(async () => {
    await cluster.stop();
    await proxy?.close();
    proxy = undefined;
  });

  const behindProxy = async (commandTimeoutMs = 200) => {
    proxy = await startProxy({ host: '127.0.0.1', port: cluster.redis.port });
    return { wire: proxy, far: cluster.agent({ url: `redis://127.0.0.1:${proxy.port}`, commandTimeoutMs }) };
  };

  it('does a commit once whose answer was lost', async () => {
    const { wire, far } = await behindProxy();
    const token = await acquired(far);
    await far.store.commit(token, commitOf(0));
    wire.holdAnswers();
    const commit = commitOf(1, { ids: { slice: 1, text: 'x' }, outbox: [{ group: 'out', items: 1, text: 'x' }] });

    await expect(far.store.commit(token, commit)).rejects.toMatchObject({ class: 'retryable', code: 'redis_timeout' });
    wire.cut();
    wire.thaw();

    expect(await inTheEnd(() => far.store.commit(token, commit))).toEqual({ kind: 'replayed', version: 2 });
    expect(await loaded(far, token)).toMatchObject({ version: 2, ids: [[1, 'x']], outbox: [{ text: 'x' }] });
  });

  it('takes up work again by itself after the connection was cut, and sends nothing twice meanwhile', async () => {
    const { wire, far } = await behindProxy();
    const token = await acquired(far);
    wire.refuse(true);
    wire.cut();

    const during = await Promise.allSettled([0, 0, 0].map((version) => far.store.commit(token, commitOf(version))));
    wire.refuse(false);
    const after = await inTheEnd(() => loaded(far, token));

    for (const result of during) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'redis_disconnected' } });
    expect(after.version).toBe(0);
  });

  it('gives up a connection that answers no more, and lives on with the next', async () => {
    const { wire, far } = await behindProxy();
    const token = await acquired(far);
    await far.store.commit(token, commitOf(0));
    wire.holdAnswers();

    await expect(far.store.commit(token, commitOf(1))).rejects.toMatchObject({ code: 'redis_timeout' });

    expect(await inTheEnd(() => far.store.commit(token, commitOf(1)))).toEqual({ kind: 'replayed', version: 2 });
  });

  it('fails what was under way when the connection broke, and does not send it again by itself', async () => {
    const { wire, far } = await behindProxy(5_000);
    const token = await acquired(far);
    await far.store.commit(token, commitOf(0));
    wire.freeze();

    const commit = far.store.commit(token, commitOf(1));
    wire.cut();

    await expect(commit).rejects.toMatchObject({ code: 'redis_disconnected' });
    wire.thaw();
    expect((await inTheEnd(() => loaded(far, token))).version).toBe(1);
  });

  it('is said at once while nobody listens, and lets nothing escape as an unhandled error', async () => {
    const lonely = cluster.agent({ url: `redis://127.0.0.1:${await freePort()}` });

    for (let i = 0; i < 3; i++)
      await expect(lonely.group.members()).rejects.toMatchObject({ class: 'retryable', code: 'redis_disconnected' });
  });

  it('lets a commit through that is far larger than it should be', async () => {
    const token = await acquired(agent);
    const keys = Array.from({ length: 12_000 }, (_, i) => `key ${i}`);
    await agent.store.commit(token, commitOf(0, { set: keys.map((key) => [key, 'x'] as const) }));

    expect(await agent.store.commit(token, commitOf(1, { set: [['last', 'y']], del: keys }))).toEqual({ kind: 'ok', version: 2 });

    expect((await loaded(agent, token)).state).toEqual({ last: 'y' });
  });

  it('does not show when scripts are forgotten', async () => {
    const token = await acquired(agent);
    await agent.store.commit(token, commitOf(0));

    await cluster.redis.admin('SCRIPT', 'FLUSH');

    expect(await agent.store.commit(token, commitOf(1))).toEqual({ kind: 'ok', version: 2 });
    expect(await agent.group.renew([token], longMs)).toEqual([]);
  });

  it('is a clear word when the rights are taken away, and passes when they come back', async () => {
    const token = await acquired(agent);
    await cluster.redis.admin('ACL', 'SETUSER', cluster.user, '-hset');

    const fault = { class: 'retryable', code: 'redis_permission', message: expect.stringContaining(`user ${cluster.user}`) };
    await expect(agent.store.commit(token, commitOf(0))).rejects.toMatchObject(fault);
    await cluster.redis.admin('ACL', 'SETUSER', cluster.user, '-evalsha', '-eval');
    await expect(agent.store.commit(token, commitOf(0))).rejects.toMatchObject(fault);
    await cluster.letIn();

    expect(await agent.store.commit(token, commitOf(0))).toEqual({ kind: 'ok', version: 1 });
  });

  it('is a clear word when the keys are another’s', async () => {
    const stray = cluster.agent({ cluster: `${cluster.name}-other`, control: null });

    await expect(stray.group.members()).rejects.toMatchObject({ code: 'redis_permission' });
  });

  it('is a clear word when the password is another, and passes when it is right again', async () => {
    const token = await acquired(agent);
    await cluster.redis.admin('ACL', 'SETUSER', cluster.user, 'resetpass', '>another');
    await cluster.redis.admin('CLIENT', 'KILL', 'USER', cluster.user);

    const told = await inTheEndOf('redis_auth', () => agent.store.commit(token, commitOf(0)));
    await cluster.letIn();

    expect(told.message).toContain(`check the password of the Redis user ${cluster.user}`);
    expect(inspect(told, { depth: 9 })).not.toContain(cluster.password);
    expect(await inTheEnd(() => agent.store.commit(token, commitOf(0)))).toEqual({ kind: 'ok', version: 1 });
  });

  it('needs nobody when the password and its file are changed', async () => {
    let password: string = cluster.password;
    const reading = cluster.agent({ readPassword: async () => password });
    const token = await acquired(reading);
    password = 'another';
    await cluster.redis.admin('ACL', 'SETUSER', cluster.user, 'resetpass', '>another');
    await cluster.redis.admin('CLIENT', 'KILL', 'USER', cluster.user);

    expect(await inTheEnd(() => reading.store.commit(token, commitOf(0)))).toEqual({ kind: 'ok', version: 1 });
  });

  it('stands still while the user is switched off', async () => {
    const token = await acquired(agent);
    await cluster.redis.admin('ACL', 'DELUSER', cluster.user);

    await inTheEndOf('redis_auth', () => agent.store.commit(token, commitOf(0)));
    await cluster.letIn();

    expect(await inTheEnd(() => agent.store.commit(token, commitOf(0)))).toEqual({ kind: 'ok', version: 1 });
  });

  it.each<
    [
      string,
      string,
      (admin: TestCluster['redis']['admin']) => Promise<unknown>,
      (admin: TestCluster['redis']['admin']) => Promise<unknown>,
    ]
  >([
    [
      'has no memory left',
      'redis_out_of_memory',
      (admin) => admin('CONFIG', 'SET', 'maxmemory', '1mb'),
      (admin) => admin('CONFIG', 'SET', 'maxmemory', '0'),
    ],
    [
      'cannot write its file',
      'redis_cannot_save',
      async (admin) => {
        const folder = await mkdtemp(join(tmpdir(), 'gone-'));
        await admin('CONFIG', 'SET', 'dir', folder);
        await rm(folder, { recursive: true });
        await admin('CONFIG', 'SET', 'save', '3600 1');
        await admin('BGSAVE');
        await until(async () => /rdb_last_bgsave_status:err/.test(String(await admin('INFO', 'persistence'))) || undefined);
      },
      (admin) => admin('CONFIG', 'SET', 'save', ''),
    ],
    [
      'became a replica',
      'redis_readonly',
      (admin) => admin('REPLICAOF', '127.0.0.1', '1'),
      (admin) => admin('REPLICAOF', 'NO', 'ONE'),
    ],
    [
      'needs replicas to write',
      'redis_unavailable',
      (admin) => admin('CONFIG', 'SET', 'min-replicas-to-write', '1'),
      (admin) => admin('CONFIG', 'SET', 'min-replicas-to-write', '0'),
    ],
  ])('is retried when Redis %s', async (_, code, breakIt, mendIt) => {
    const token = await acquired(agent);
    const admin: TestCluster['redis']['admin'] = (...args) => cluster.redis.admin(...args);
    await breakIt(admin);

    await expect(agent.store.commit(token, commitOf(0))).rejects.toMatchObject({ class: 'retryable', code });
    await mendIt(admin);

    expect(await agent.store.commit(token, commitOf(0))).toEqual({ kind: 'ok', version: 1 });
  });

  it('is retried while Redis reads its file', async () => {
    const token = await acquired(agent);
    await cluster.redis.admin('MSET', ...Array.from({ length: 2_000 }, (_, i) => [`other ${i}`, 'x']).flat());
    await cluster.redis.admin('BGREWRITEAOF');
    await until(
      async () => /aof_base_size:[1-9]\d{3}/.test(String(await cluster.redis.admin('INFO', 'persistence'))) || undefined,
    );
    await cluster.redis.down();
    const up = cluster.redis.up(['--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'], false);

    const told = await inTheEndOf('redis_loading', () => agent.store.commit(token, commitOf(0)));
    await up;

    expect(told.class).toBe('retryable');
  });

  it('says how durable the server is, as it runs now', async () => {
    const modes = [await agent.coordination.durability()];
    await cluster.redis.admin('CONFIG', 'SET', 'appendfsync', 'everysec');
    modes.push(await agent.coordination.durability());
    await cluster.redis.admin('CONFIG', 'SET', 'appendfsync', 'no');
    modes.push(await agent.coordination.durability());
    await cluster.redis.admin('CONFIG', 'SET', 'appendonly', 'no');
    modes.push(await agent.coordination.durability());
    await cluster.redis.admin('ACL', 'SETUSER', cluster.user, '-config|get');
    modes.push(await agent.coordination.durability());

    expect(modes.map(({ mode, appendfsync }) => [mode, appendfsync])).toEqual([
      ['strict', 'always'],
      ['standard', 'everysec'],
      ['fast', 'no'],
      ['fast', 'no'],
      ['fast', null],
    ]);
  });

  it('tells of the connection going and coming', async () => {
    const told: boolean[] = [];
    const watcher = cluster.agent({ onConnection: ({ up }) => told.push(up) });
    await watcher.group.heartbeat(memberOf(alice), longMs);
    await cluster.restart();
    await inTheEnd(() => watcher.group.members());

    expect(told[0]).toBe(true);
    expect(told.slice(1, -1).every((up) => !up) && told.length > 2).toBe(true);
    expect(told.at(-1)).toBe(true);
  });
});

describe('Redis over TLS', () => {
  it('is refused by wrong name, unknown issuer and plain text; and serves who trusts it and is known by it', async () => {
    const port = await freePort();
    const good = await makeCertificate('localhost');
    const files = ['--tls-port', port, '--tls-cert-file', good.cert, '--tls-key-file', good.key, '--tls-ca-cert-file', good.cert];
    const cluster = await TestCluster.start(files.map(String));
    const [cert, key] = [await readFile(good.cert, 'utf8'), await readFile(good.key, 'utf8')];
    const to = (url: string, tls: object) => cluster.agent({ url, tls }).group.heartbeat(memberOf(alice), longMs);
    try {
      const own = { ca: cert, cert, key };
      await expect(to(`rediss://localhost:${port}`, { cert, key })).rejects.toMatchObject({ code: 'redis_certificate' });
      await expect(to(`rediss://127.0.0.1:${port}`, own)).rejects.toMatchObject({ code: 'redis_certificate' });
      await expect(to(`rediss://localhost:${port}`, { ca: cert })).rejects.toMatchObject({ class: 'retryable' });
      await expect(to(`redis://localhost:${port}`, {})).rejects.toMatchObject({ class: 'retryable' });
      await to(`rediss://localhost:${port}`, own);
    } finally {
      await cluster.stop();
      await rm(good.folder, { recursive: true });
    }
  });
});

/** Asks until the answer is a fault of that code, and gives it back; other faults of a broken connection may come before. */
async function inTheEndOf(code: string, ask: () => Promise<unknown>) {
  const end = performance.now() + 15_000;
  for (;;) {
    try {
      await ask();
    } catch (error) {
      const fault = error as { readonly code?: string; readonly class?: string; readonly message: string };
      if (fault.code === code) return fault;
      if (fault.class !== 'retryable' || performance.now() > end) throw error;
    }
    if (performance.now() > end) throw new Error(`no fault of code ${code}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
