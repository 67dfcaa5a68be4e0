import { execFile } from 'node:child_process';
import { type EventEmitter, once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readEntry } from '../../../src/core/spool/entry.ts';
import { toNotification } from '../../../src/core/spool/notification.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { Site, until, uuids } from '../../unit/spool/rig.ts';

const run = promisify(execFile);
const longMs = 240_000;
const key = 'secret';

interface Client {
  emit(label: string, data: object): Promise<void>;
  disconnect(): Promise<void>;
}
interface Server extends EventEmitter {
  readonly port: number;
  listen(): Promise<void>;
  close(): Promise<void>;
}
interface Logger {
  readonly FluentClient: new (tag: string, options: object) => Client;
  readonly FluentServer: new (options: object) => Server;
}

let folder: string;
let logger: Logger;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fluent-peers-'));
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '@fluent-org/logger@1.0.10'], { cwd: folder });
  logger = createRequire(join(folder, 'index.js'))('@fluent-org/logger') as Logger;
}, longMs);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('as a sink', () => {
  let sink: Site;

  beforeEach(async () => {
    sink = await Site.make('centre');
    sink.start({ role: 'sink', tcp_server: { listen: 0 } });
  });
  afterEach(() => sink.close());

  const payloads = () =>
    sink.place.arrivals.read(0, 10_000).map((row) => {
      const { atMs, record } = readEntry(row.entry);
      return toNotification({ id: row.id, tag: row.tag, peer: row.peer, atMs, record })['payload'] as JsonObject;
    });

  it.each([
    'Message',
    'Forward',
    'PackedForward',
    'CompressedPackedForward',
  ])('takes what @fluent-org/logger sends in its mode %s, and its client has every acknowledgement', {
    timeout: longMs,
  }, async (eventMode) => {
    const client = new logger.FluentClient('app', {
      eventMode,
      socket: { host: '127.0.0.1', port: await sink.port() },
      security: { clientHostname: 'npm-client', sharedKey: key },
      ack: { ackTimeout: 20_000 },
    });

    await Promise.all(Array.from({ length: 500 }, (_, n) => client.emit('log', { n, text: 'grüß' })));
    await client.disconnect();

    expect(
      payloads()
        .map((payload) => payload['n'])
        .sort((a, b) => Number(a) - Number(b)),
    ).toEqual(Array.from({ length: 500 }, (_, n) => n));
    expect(sink.place.arrivals.read(0, 1)[0]).toMatchObject({ tag: 'app.log', peer: 'npm-client' });
  });

  it("takes what IBM's Go client sends, in all its modes, numbers unchanged", { timeout: longMs }, async () => {
    const home = join(folder, 'go');
    await cp(fileURLToPath(new URL('main.go', import.meta.url)), join(home, 'main.go'));
    const env = { ...process.env, GOFLAGS: '-mod=mod', GOPATH: join(folder, 'gopath'), GOCACHE: join(folder, 'gocache') };
    await run('go', ['mod', 'init', 'peer'], { cwd: home, env });
    await run('go', ['get', 'github.com/IBM/fluent-forward-go@v0.4.0'], { cwd: home, env });
    await run('go', ['build', '-o', 'peer', '.'], { cwd: home, env });

    const { stdout } = await run('./peer', [`127.0.0.1:${await sink.port()}`, key, '500'], { cwd: home });
    await run('go', ['clean', '-modcache'], { cwd: home, env });

    expect(stdout).toBe('500\n');
    expect(payloads()).toHaveLength(500);
    expect(payloads()[7]).toEqual({ n: 7, text: 'grüß', ratio: 1.5, big: 18446744073709551615n });
  });
});

describe('as a source', () => {
  let source: Site;
  let server: Server;
  const came: string[] = [];

  beforeEach(async () => {
    came.length = 0;
    source = await Site.make('east');
    server = new logger.FluentServer({
      listenOptions: { port: 0, host: '127.0.0.1' },
      security: { serverHostname: 'npm-server', sharedKey: key, authorize: false, userDict: {} },
    });
    server.on('entry', (_tag: string, _time: unknown, record: { readonly uuid: string }) => came.push(record.uuid));
    await server.listen();
  });
  afterEach(async () => {
    await source.close();
    await server.close();
  });

  it.each([false, true])('sends to the server of @fluent-org/logger, and has every acknowledgement (gzip: %s)', {
    timeout: longMs,
  }, async (gzip) => {
    await source.put(...uuids(2_000));
    source.start({ role: 'source', gzip, tcp_client: { servers: [{ address: '127.0.0.1', port: server.port }] } });

    await until(() => source.place.spool.stats().new.count === 0, 60_000);

    expect(came).toEqual(uuids(2_000));
    expect(source.spooler?.links[0]?.peer).toBe('npm-server');
  });

  it('lets a stock server pull, through a relay that dials both', { timeout: longMs }, async () => {
    await source.put(...uuids(2_000));
    source.start({ role: 'source', tcp_server: { listen: 0 } });
    const [near, far] = [connect(await source.port(), '127.0.0.1'), connect(server.port, '127.0.0.1')];
    await Promise.all([once(near, 'connect'), once(far, 'connect')]);
    near.pipe(far).pipe(near);

    await until(() => source.place.spool.stats().new.count === 0, 60_000);

    expect(came).toEqual(uuids(2_000));
    near.destroy();
    far.destroy();
  });
});
