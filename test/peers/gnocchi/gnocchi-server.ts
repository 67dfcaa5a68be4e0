import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { freePort } from '../../services/free-port.ts';
import { postgresUrl } from '../../services/with-services.ts';
import { requirements, virtualEnvironment } from '../python/virtual-environment.ts';

/** A real Gnocchi: its API and its metricd, measures in files, the index in a database of its own. */
export class GnocchiServer {
  /** With the user of its basic mode. */
  readonly url: string;
  readonly #dir: string;
  readonly #database: string;
  readonly #children: readonly ChildProcess[];

  private constructor(url: string, dir: string, database: string, children: readonly ChildProcess[]) {
    this.url = url;
    this.#dir = dir;
    this.#database = database;
    this.#children = children;
  }

  static async start(): Promise<GnocchiServer> {
    const environment = await virtualEnvironment(requirements.gnocchi);
    const dir = await mkdtemp(join(tmpdir(), 'gnocchi-'));
    const database = `gnocchi_${randomUUID().replaceAll('-', '')}`;
    await onServer(`CREATE DATABASE ${database}`);
    const index = new URL(await postgresUrl());
    index.pathname = `/${database}`;
    const storage = `driver = file\nfile_basepath = ${join(dir, 'data')}`;
    const conf = [
      `[api]\nauth_mode = basic`,
      `[indexer]\nurl = ${index.href}`,
      `[storage]\n${storage}`,
      `[incoming]\n${storage}`,
      `[metricd]\nworkers = 1\nmetric_processing_delay = 1`,
    ];
    const file = join(dir, 'gnocchi.conf');
    await writeFile(file, `${conf.join('\n')}\n`);
    const log = openSync(join(dir, 'log'), 'a');
    const run = (script: string, args: readonly string[]) =>
      spawn(join(environment, 'bin/python'), ['-W', 'ignore', script, ...args], {
        stdio: ['ignore', log, log],
        cwd: dir,
        detached: true,
      });
    const upgrade = run(join(environment, 'bin/gnocchi-upgrade'), ['--config-file', file]);
    const [code] = (await once(upgrade, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`gnocchi-upgrade ended with ${code}: ${await readFile(join(dir, 'log'), 'utf8')}`);
    const port = await freePort();
    // Its own command wants uwsgi, which would have to be compiled.
    const api = run(fileURLToPath(new URL('serve.py', import.meta.url)), [file, String(port)]);
    const server = new GnocchiServer(`http://admin@127.0.0.1:${port}`, dir, database, [
      api,
      run(join(environment, 'bin/gnocchi-metricd'), ['--config-file', file]),
    ]);
    await server.#ready(api);
    return server;
  }

  async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const url = new URL(`${this.url}${path}`);
    const authorization = `Basic ${Buffer.from('admin:').toString('base64')}`;
    const answer = await fetch(`${url.origin}${url.pathname}${url.search}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  /** `[time, granularity, value]` of the mean, with everything taken in that was sent. */
  async measures(type: string, resource: string, metric: string): Promise<readonly (readonly [string, number, number])[]> {
    const path = `/v1/resource/${type}/${encodeURIComponent(resource)}/metric/${metric}/measures?refresh=true`;
    return (await this.ask('GET', path)) as [string, number, number][];
  }

  async stop(): Promise<void> {
    for (const { pid } of this.#children) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    await Promise.all(
      this.#children.map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null)),
    );
    await onServer(`DROP DATABASE IF EXISTS ${this.#database} WITH (FORCE)`);
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 5 });
  }

  async #ready(api: ChildProcess): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if (api.exitCode !== null) break;
      try {
        await this.ask('GET', '/v1/archive_policy');
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 200)); // not up yet
      }
    }
    throw new Error(`gnocchi-api does not answer: ${(await readFile(join(this.#dir, 'log'), 'utf8')).slice(-3000)}`);
  }
}

async function onServer(statement: string): Promise<void> {
  const client = new Client(await postgresUrl());
  await client.connect();
  await client.query(statement);
  await client.end();
}
