import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until } from '../faults/until.ts';
import { freePort } from './free-port.ts';
import { PrivateRedis } from './redis.ts';
import { startProxy, type TcpProxy } from './tcp-proxy.ts';

/** How long a primary is silent before it counts as down. */
const downAfterMs = 500;
const withinMs = 30_000;

/** A primary, its replica behind a wire that may stand still, and three sentinels that put the one in the place of the other. */
export class SentinelRig {
  static readonly primaryName = 'ceilograph';
  readonly primary: PrivateRedis;
  readonly replica: PrivateRedis;
  /** From the replica to the primary: while it is frozen the replica falls behind. */
  readonly wire: TcpProxy;
  readonly hosts: readonly string[];
  readonly #folder: string;
  readonly #sentinels: readonly ChildProcess[];

  private constructor(
    primary: PrivateRedis,
    replica: PrivateRedis,
    wire: TcpProxy,
    hosts: readonly string[],
    folder: string,
    sentinels: readonly ChildProcess[],
  ) {
    this.primary = primary;
    this.replica = replica;
    this.wire = wire;
    this.hosts = hosts;
    this.#folder = folder;
    this.#sentinels = sentinels;
  }

  /** Of this primary; resolves once the replica is in step and each sentinel knows of it and of the others. */
  static async start(primary: PrivateRedis): Promise<SentinelRig> {
    // Five seconds, for other replicas that might come.
    await primary.admin('CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
    const wire = await startProxy({ host: '127.0.0.1', port: primary.port });
    const replica = await PrivateRedis.start(['--replicaof', '127.0.0.1', String(wire.port)]);
    const folder = await mkdtemp(join(tmpdir(), 'ceilograph-sentinels-'));
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    await until(() => inStep(primary, replica), withinMs, 'the replica does not follow');
    const sentinels = await Promise.all(ports.map((port) => launch(folder, port, ports, primary.port, replica.port)));
    for (const port of ports) await until(() => seesAll(port), withinMs, 'a sentinel does not see all');
    const hosts = ports.map((port) => `127.0.0.1:${port}`);
    return new SentinelRig(primary, replica, wire, hosts, folder, sentinels);
  }

  get url(): string {
    return `redis://${SentinelRig.primaryName}/0`;
  }

  /** Until the replica has what the primary has, while nobody writes. */
  async inStep(): Promise<void> {
    await until(() => inStep(this.primary, this.replica), withinMs, 'the replica does not follow');
  }

  /** As an operator does, while the primary lives. */
  async failOver(): Promise<void> {
    const [, port] = (this.hosts[0] ?? '').split(':');
    const client = new Redis(Number(port), '127.0.0.1', { disableClientInfo: true });
    try {
      await client.call('SENTINEL', 'FAILOVER', SentinelRig.primaryName);
    } finally {
      client.disconnect();
    }
  }

  /** Until the sentinels have made a primary of the replica. */
  async promoted(): Promise<void> {
    const isPrimary = async () => String(await this.replica.admin('INFO', 'replication')).includes('role:master');
    await until(isPrimary, withinMs, 'the replica is not promoted');
  }

  /** All but the primary, which is somebody else's. */
  async stop(): Promise<void> {
    await Promise.all(
      this.#sentinels.map(async (sentinel) => {
        const gone = once(sentinel, 'exit');
        if (sentinel.kill('SIGKILL')) await gone;
      }),
    );
    await this.replica.stop();
    await this.wire.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function inStep(primary: PrivateRedis, replica: PrivateRedis): Promise<boolean> {
  const of = async (redis: PrivateRedis, field: string) =>
    new RegExp(`^${field}:(\\S+)`, 'm').exec(String(await redis.admin('INFO', 'replication')))?.[1];
  if ((await of(replica, 'master_link_status')) !== 'up') return false;
  return (await of(replica, 'slave_repl_offset')) === (await of(primary, 'master_repl_offset'));
}

/** Told of each other and of the replica, which they would else take ten seconds to find. */
async function launch(
  folder: string,
  port: number,
  ports: readonly number[],
  primaryPort: number,
  replicaPort: number,
): Promise<ChildProcess> {
  const name = SentinelRig.primaryName;
  const idOf = (of: number) => String(of).padStart(40, '0');
  const file = join(folder, `${port}.conf`);
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${name} 127.0.0.1 ${primaryPort} 2`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    // Within this time they would lead the replica past the wire.
    `sentinel failover-timeout ${name} 60000`,
    `sentinel myid ${idOf(port)}`,
    `sentinel known-replica ${name} 127.0.0.1 ${replicaPort}`,
    ...ports
      .filter((other) => other !== port)
      .map((other) => `sentinel known-sentinel ${name} 127.0.0.1 ${other} ${idOf(other)}`),
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const sentinel = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  const killIt = () => sentinel.kill('SIGKILL');
  process.once('exit', killIt);
  sentinel.once('exit', () => process.off('exit', killIt));
  return sentinel;
}

async function seesAll(port: number): Promise<boolean> {
  const client = new Redis(port, '127.0.0.1', { lazyConnect: true, disableClientInfo: true, retryStrategy: () => null });
  client.on('error', () => undefined); // not yet
  try {
    await client.connect();
    const found: string[] = [];
    for (const what of ['MASTER', 'REPLICAS', 'SENTINELS']) {
      const reply = (await client.call('SENTINEL', what, SentinelRig.primaryName)) as readonly (string | readonly string[])[];
      const rows = reply.every((each) => typeof each === 'string') ? [reply] : reply;
      found.push(...rows.map((row) => String(row[row.indexOf('flags') + 1])));
    }
    return found.join(' ') === 'master slave sentinel sentinel';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}
