import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';

/** A Redis of one test file, on a free port and in a folder of its own: it may be killed, cut and flushed. */
export class PrivateRedis {
  readonly port: number;
  readonly #dir: string;
  readonly #extra: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #server: ChildProcess | undefined;
  #admin: Redis | undefined;

  private constructor(port: number, dir: string, extra: readonly string[], env: NodeJS.ProcessEnv) {
    this.port = port;
    this.#dir = dir;
    this.#extra = extra;
    this.#env = env;
  }

  /** As `strict` wants it, if `extra` says nothing else. */
  static async start(extra: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<PrivateRedis> {
    const redis = new PrivateRedis(await freePort(), await mkdtemp(join(tmpdir(), 'ceilograph-redis-')), extra, env);
    await writeFile(redis.#users, 'user default on nopass ~* &* +@all\n');
    await redis.up();
    return redis;
  }

  get #users(): string {
    return join(this.#dir, 'users.acl');
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** `extra` for this once. Waits until it answers, and if not told otherwise, until it has read its file. */
  async up(extra: readonly string[] = [], untilLoaded = true): Promise<void> {
    const where = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#dir, '--aclfile', this.#users];
    const how = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0'];
    const args = [...where, ...how, ...this.#extra, ...extra];
    const server = spawn('redis-server', args, { stdio: 'ignore', env: { ...process.env, ...this.#env } });
    const killIt = () => server.kill('SIGKILL');
    process.once('exit', killIt);
    server.once('exit', () => process.off('exit', killIt));
    this.#server = server;
    for (let tries = 0; (await this.#answers(untilLoaded)) === false; tries++) {
      if (tries > 500 || server.exitCode !== null) throw new Error('redis-server does not start');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async down(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const gone = once(server, 'exit');
    server.kill(signal);
    await gone;
  }

  async restart(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.down(signal);
    await this.up();
  }

  /** To be called while it is down: the end of the file that a power cut had not let through. */
  async cutTail(bytes: number): Promise<void> {
    const path = await this.#appendOnlyFile();
    await truncate(path, Math.max(0, (await stat(path)).size - bytes));
  }

  /** Of the append-only file, in bytes: what `cutTail` may take the end of. */
  async fileSize(): Promise<number> {
    return (await stat(await this.#appendOnlyFile())).size;
  }

  /** To be called while it is down: it starts empty next, as another server would; the file it had is kept. */
  async hideFile(): Promise<void> {
    await rename(join(this.#dir, 'appendonlydir'), join(this.#dir, 'kept'));
  }

  /** To be called while it is down. */
  async restoreFile(): Promise<void> {
    await rm(join(this.#dir, 'appendonlydir'), { recursive: true, force: true });
    await rename(join(this.#dir, 'kept'), join(this.#dir, 'appendonlydir'));
  }

  /** As the server's own administrator. */
  async admin(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
    this.#admin ??= await this.#connect();
    return this.#admin.call(name, ...args);
  }

  /** Loads the profile that we ship for a cluster and a user of these names. */
  async addUser(cluster: string, user: string, password: string): Promise<void> {
    const shipped = await readFile(new URL('../../deploy/redis/users.acl', import.meta.url), 'utf8');
    const line = shipped.split('\n').find((each) => each.startsWith('user ceilograph '));
    if (line === undefined) throw new Error('deploy/redis/users.acl has no user ceilograph');
    const rules = line.split(' ').slice(2);
    const own = rules.map((rule) => (rule.startsWith('>') ? `>${password}` : rule.replace('{ceilograph}', `{${cluster}}`)));
    await this.admin('ACL', 'SETUSER', user, 'reset', ...own);
    await this.admin('ACL', 'SAVE');
  }

  async #appendOnlyFile(): Promise<string> {
    const folder = join(this.#dir, 'appendonlydir');
    const file = (await readdir(folder)).find((name) => name.includes('.incr.'));
    if (file === undefined) throw new Error('no append-only file');
    return join(folder, file);
  }

  async stop(): Promise<void> {
    this.#admin?.disconnect();
    await this.down();
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #connect(): Promise<Redis> {
    const admin = new Redis(this.port, '127.0.0.1', { disableClientInfo: true, retryStrategy: () => 20 });
    admin.on('error', () => undefined); // it is killed on purpose
    return admin;
  }

  async #answers(loaded: boolean): Promise<boolean> {
    const probe = new Redis(this.port, '127.0.0.1', {
      lazyConnect: true,
      disableClientInfo: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    probe.on('error', () => undefined); // not yet
    try {
      return (await probe.ping()) === 'PONG';
    } catch (error) {
      return !loaded && error instanceof Error && error.message.startsWith('LOADING ');
    } finally {
      probe.disconnect();
    }
  }
}
