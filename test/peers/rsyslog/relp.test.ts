import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readEntry } from '../../../src/core/spool/entry.ts';
import { freePort } from '../../services/free-port.ts';
import { Site, until, uuids } from '../../unit/spool/rig.ts';

const longMs = 240_000;

beforeAll(async () => {
  if (existsSync('/usr/lib/x86_64-linux-gnu/rsyslog/omrelp.so')) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = ['-qq', '-o', 'DPkg::Lock::Timeout=200'];
  await promisify(execFile)('apt-get', [...apt, 'update'], { env });
  await promisify(execFile)('apt-get', [...apt, 'install', '-y', '--no-install-recommends', 'rsyslog-relp'], { env });
}, longMs);

describe('rsyslog', () => {
  let folder: string;
  let site: Site;
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rsyslog-'));
    site = await Site.make('east');
  });
  afterEach(async () => {
    await site.close();
    for (const child of children.splice(0)) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  });

  const rsyslog = async (config: string) => {
    await writeFile(join(folder, 'rsyslog.conf'), `global(workDirectory="${folder}")\n${config}\n`);
    const child = spawn('/usr/sbin/rsyslogd', ['-n', '-f', join(folder, 'rsyslog.conf'), '-i', join(folder, 'pid')], {
      stdio: 'inherit',
    });
    children.push(child);
    return child;
  };

  it('takes what a source sends over RELP, and gets it all when it was away', { timeout: longMs }, async () => {
    const port = await freePort();
    const out = join(folder, 'out.log');
    const config = `module(load="imrelp")\ninput(type="imrelp" port="${port}" address="127.0.0.1" maxDataSize="1m")\ntemplate(name="raw" type="string" string="%rawmsg%\\n")\naction(type="omfile" file="${out}" template="raw")`;
    await site.put(...uuids(1_000));
    site.start({ role: 'source', tcp_client: { servers: [{ address: '127.0.0.1', port, protocol: 'relp' }], cooldown: 0.2 } });
    await until(() => site.events.some((event) => event.kind === 'lost'));

    await rsyslog(config);
    await until(() => site.place.spool.stats().new.count === 0, 60_000);
    const lines = async () => (await readFile(out, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    await until(async () => (await lines()).length >= 1_000, 30_000);

    const ids = (await lines()).map((line) => / ceilograph - (n-\d+) - \{/.exec(line)?.[1]);
    expect(ids).toEqual(uuids(1_000));
  });

  it('sends to a sink over RELP, and loses nothing when the sink is stopped and started again', { timeout: longMs }, async () => {
    const [port, feed] = [await freePort(), await freePort()];
    const sink = { role: 'sink', tcp_server: { listen: port, protocol: 'relp' } };
    site.start(sink);
    await rsyslog(
      `module(load="imtcp")\ninput(type="imtcp" port="${feed}" address="127.0.0.1")\nmodule(load="omrelp")\naction(type="omrelp" target="127.0.0.1" port="${port}" template="RSYSLOG_SyslogProtocol23Format" queue.type="LinkedList" action.resumeRetryCount="-1" action.resumeInterval="1")`,
    );
    const say = async (from: number, to: number) => {
      const socket = await until(() => dialled(feed), 30_000);
      socket.end(
        Array.from({ length: to - from }, (_, i) => `<13>1 2026-11-21T10:00:00Z host app - - - line ${from + i}\n`).join(''),
      );
      await once(socket, 'close');
    };
    await say(0, 500);
    await until(() => site.arrived().length >= 250, 60_000);
    await site.kill();
    await say(500, 1_000);
    site.start(sink);

    const texts = () => site.place.arrivals.read(0, 10_000).map((row) => String(readEntry(row.entry).record['message']).trim());
    await until(() => new Set(texts()).size === 1_000, 60_000);

    expect([...new Set(texts())].sort()).toEqual(Array.from({ length: 1_000 }, (_, i) => `line ${i}`).sort());
    expect(site.place.arrivals.read(0, 1)[0]).toMatchObject({ tag: 'syslog' });
  });

  it('brings a notification of ours through two of ours unchanged, with its id', { timeout: longMs }, async () => {
    const sink = await Site.make('centre');
    sink.start({ role: 'sink', tcp_server: { listen: 0, protocol: 'relp' } });
    const server = { address: '127.0.0.1', port: await sink.port(), protocol: 'relp' };
    await site.put('n-1', 'n-2');
    site.start({ role: 'source', tcp_client: { servers: [server] } });

    await until(() => sink.arrived().length === 2);

    expect(sink.place.arrivals.read(0, 1).map((row) => readEntry(row.entry).record)).toEqual([
      { uuid: 'n-1', site: 'east', context: { message_id: 'n-1', event_type: 'test', payload: { n: 1 } } },
    ]);
    await sink.close();
  });
});

async function dialled(port: number): Promise<ReturnType<typeof connect> | undefined> {
  const socket = connect(port, '127.0.0.1');
  return await once(socket, 'connect').then(
    () => socket,
    () => undefined, // not there yet
  );
}
