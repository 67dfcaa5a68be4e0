import assert from 'node:assert/strict';
import { lstat, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/model/faults.ts';
import { LivestatusProxy } from '../../src/services/livestatus-proxy/proxy.ts';
import { LiveproxyFile } from '../../src/services/livestatus-proxy/schema.ts';
import { siteState } from '../../src/services/livestatus-proxy/site-state.ts';
import { stateText } from '../../src/services/livestatus-proxy/state-text.ts';
import { toSettings } from '../../src/services/livestatus-proxy/to-settings.ts';
import { makeCertificate } from '../services/certificate.ts';
import { freePort } from '../services/free-port.ts';
import type { LivestatusFault } from './fault.ts';
import { echo, framed, rig, type Script, TestClient, until } from './rig.ts';

const never: Script = () => undefined;
const verdictOf = (lp: Awaited<ReturnType<typeof rig>>) => lp.proxy.sites[0]?.site.heartbeat.beat.verdict;

async function openError(dir: string, sites: object): Promise<string> {
  const proxy = new LivestatusProxy({ version: '1.2.3', clock: systemClock, random: () => 0.5, emit: () => undefined });
  try {
    await proxy.start((await toSettings(LiveproxyFile.parse({ run_dir: dir, sites }), dir)).sites);
  } catch (error) {
    assert.ok(error instanceof Fault && error.class === 'fatal', String(error));
    return error.message;
  }
  await proxy.stop();
  return '';
}

/** What operators do, and the machine around the proxy. */
export const faultsOfOperation: readonly LivestatusFault[] = [
  {
    id: 'V4',
    about: 'a UNIX socket per site, with its mode from the first moment; the file of a dead process is replaced',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      assert.equal((await stat(lp.socket)).mode & 0o777, 0o660);
      const left = join(lp.dir, 'liveproxy/ber');
      const dead = createServer().listen(left);
      await until(() => dead.listening);
      // Closed behind its back, as SIGKILL would: the file stays.
      const { rename } = await import('node:fs/promises');
      await rename(left, `${left}.kept`);
      await new Promise((resolve) => dead.close(resolve));
      await rename(`${left}.kept`, left).catch(() => undefined);
      await lp.reload({ muc: { socket: `unix:${lp.site.path}` }, ber: { socket: `unix:${lp.site.path}` } });
      const client = await TestClient.open(left);
      client.send('GET hosts\n\n');
      assert.equal(await client.all(), 'GET hosts\n');
    },
  },
  {
    id: 'V8',
    about: 'a path that is too long, a file that is no socket, a second proxy on the same socket: said before anything is served',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      const socket = `unix:${lp.site.path}`;
      assert.match(await openError(lp.dir, { muc: { socket } }), /liveproxy\/muc: another process answers there; stop it first$/);
      assert.match(await openError(join(lp.dir, 'x'.repeat(100)), { muc: { socket } }), /has \d+ bytes, a socket may have 107/);
      await mkdir(join(lp.dir, 'other/liveproxy'), { recursive: true });
      await writeFile(join(lp.dir, 'other/liveproxy/muc'), 'somebody needs this');
      assert.match(await openError(join(lp.dir, 'other'), { muc: { socket } }), /that is no socket; move it away$/);
      assert.equal(await readFile(join(lp.dir, 'other/liveproxy/muc'), 'utf8'), 'somebody needs this');
      assert.equal(await lp.ask('GET hosts\n\n'), 'GET hosts\n');
    },
  },
  {
    id: 'V12',
    about: 'asked to stop: what runs is answered, who waits is told, the socket file goes, but not that of a successor',
    run: async () => {
      let release = () => undefined as unknown;
      const lp = await rig({
        site: { number_of_channels: 1 },
        script: (request, socket, site) => {
          release = () => echo(request, socket, site);
        },
      });
      await lp.ready();
      const [running, waiting] = [await lp.client(), await lp.client()];
      running.send('GET running\n\n');
      await until(() => lp.site.queries.length === 1);
      waiting.send('GET waiting\nResponseHeader: fixed16\n\n');
      await until(() => lp.proxy.sites[0]?.site.jobs.length === 2);
      // Somebody else has taken the place meanwhile.
      await rm(lp.socket);
      const successor = createServer().listen(lp.socket);
      await until(() => successor.listening);
      // The clock stands still: nobody's time runs out meanwhile.
      const stopped = lp.proxy.stop();
      await until(() => waiting.ended);
      assert.equal(waiting.text, framed(503, "Site 'muc' is no longer served by this proxy."));
      release();
      await until(() => running.ended);
      assert.equal(running.text, 'GET running\n');
      assert.ok((await lstat(lp.socket)).isSocket());
      await lp[Symbol.asyncDispose]();
      await stopped;
      await new Promise((resolve) => successor.close(resolve));
    },
  },
  {
    id: 'V13',
    about: 'a reload that removes a site tells its waiters, closes its socket and leaves the others alone',
    run: async () => {
      await using lp = await rig({ script: never, site: { number_of_channels: 1 } });
      await lp.ready();
      const [running, waiting] = [await lp.client(), await lp.client()];
      for (const client of [running, waiting]) client.send('GET x\nResponseHeader: fixed16\n\n');
      await until(() => lp.proxy.sites[0]?.site.jobs.length === 2);
      const reloading = lp.reload({ ber: { socket: `unix:${lp.site.path}` } });
      let over = false;
      void reloading.finally(() => {
        over = true;
      });
      await lp.pass(() => over);
      for (const client of [running, waiting])
        assert.match(client.text, /^503 +\d+\nSite 'muc' is no longer served by this proxy\.$/);
      await assert.rejects(lstat(lp.socket));
      assert.deepEqual(
        lp.proxy.sites.map((served) => served.site.id),
        ['ber'],
      );
    },
  },
  {
    id: 'V14',
    about: 'the cache: one question for many who ask at once, nothing that changes, gone after a restart and for Cache: reload',
    run: async () => {
      let n = 0;
      await using lp = await rig({
        site: { cache: { max_age: 60 } },
        script: (request, socket, site) => {
          n += 1;
          const answer = n;
          setTimeout(
            () => (request.includes('late') ? echo(request, socket, site) : socket.write(framed(200, `${answer}\n`))),
            5,
          );
        },
      });
      await lp.ready();
      const names = 'GET hosts\nColumns: name\n\n';
      const many = await Promise.all(Array.from({ length: 20 }, () => lp.ask(names)));
      assert.deepEqual(new Set(many), new Set(['1\n']));
      assert.equal(await lp.ask('GET hosts\nColumns: name\nKeepAlive: off\nLocaltime: 1\n\n'), '1\n');
      assert.equal(await lp.ask('GET hosts\nColumns: name state\n\n'), '2\n');
      assert.equal(await lp.ask('GET hosts\nColumns: name state\n\n'), '3\n');
      assert.equal(await lp.ask('GET hosts\nColumns: name\nCache: reload\n\n'), '4\n');
      assert.equal(await lp.ask(names), '4\n');
      lp.site.programStart += 1;
      await lp.pass(() => lp.proxy.sites[0]?.cache?.size === 0, 10_000);
      assert.equal(await lp.ask(names), '5\n');
      const end = lp.clock.monotonic() + 61_000;
      await lp.pass(() => lp.clock.monotonic() >= end);
      assert.equal(await lp.ask(names), '6\n');
      const held = await lp.client();
      held.send('GET hosts\nColumns: alias\n\n');
      const follower = await lp.client();
      follower.send('GET hosts\nColumns: alias\n\n');
      await until(() => lp.site.queries.filter((query) => query.includes('alias')).length === 1);
      held.socket.destroy();
      assert.equal(await follower.all(), '7\n');
    },
  },
  {
    id: 'V48',
    about: 'a TCP door lets in only whom its list names, over IPv6 too; a site on IPv6 is reached',
    run: async () => {
      const port = await freePort('::1');
      await using lp = await rig({ site: { tcp: { host: '::1', port, only_from: ['::1'] } } });
      await lp.ready();
      const { connect } = await import('node:net');
      const asked = (host: string) =>
        new Promise<string>((resolve) => {
          const socket = connect({ host, port });
          let text = '';
          socket.on('data', (chunk) => {
            text += chunk;
          });
          for (const event of ['end', 'error', 'close'] as const) socket.on(event, () => resolve(text));
          socket.write('GET hosts\n\n');
        });
      assert.equal(await asked('::1'), 'GET hosts\n');
      await lp.reload({
        muc: { socket: `unix:${lp.site.path}`, tcp: { host: '::1', port, only_from: ['10.0.0.0/8'] } },
        six: { socket: `tcp:[::1]:${port}` },
      });
      assert.equal(await asked('::1'), '');
    },
  },
  {
    id: 'V49',
    about: 'TLS to a site: answered when its name is right, dead with the reason when it is another or nobody is trusted',
    run: async () => {
      const { cert, key, folder } = await makeCertificate('muc.example.org');
      const server = createTlsServer({ cert: await readFile(cert), key: await readFile(key), allowHalfOpen: true }, (socket) => {
        socket.on('error', () => undefined); // the proxy closes what it does not trust
        socket.on('data', () => socket.end(framed(200, '[[1,"2.1.0"]]')));
      });
      server.listen(0, '127.0.0.1');
      await until(() => server.listening);
      const { port } = server.address() as { port: number };
      const told = async (tls: object) => {
        await using lp = await rig();
        await lp.reload({ muc: { socket: `tls:127.0.0.1:${port}`, tls } });
        await lp.pass(() => verdictOf(lp) === 'ready' || verdictOf(lp) === 'dead', 60_000);
        return verdictOf(lp) === 'ready' ? 'ready' : String(lp.told('livestatus:dead').at(-1)?.['error']);
      };
      try {
        assert.equal(await told({ ca_file: cert, server_name: 'muc.example.org' }), 'ready');
        assert.match(await told({ ca_file: cert, server_name: 'ber.example.org' }), /Hostname\/IP does not match/);
        assert.match(await told({ server_name: 'muc.example.org' }), /self-signed certificate/);
      } finally {
        server.close();
        await rm(folder, { recursive: true, force: true });
      }
    },
  },
  {
    id: 'V50',
    about: "the state is what Checkmk's tools look for: ready or starting, dump time, errors, channels, clients, heartbeats",
    run: async () => {
      await using lp = await rig({ site: { number_of_channels: 2 } });
      await lp.ready();
      await lp.ask('GET hosts\n\n');
      const text = () =>
        stateText(
          lp.clock.now(),
          lp.proxy.sites.map((served) => siteState(served, lp.clock.monotonic())),
        );
      assert.match(text(), /^-{46}\nCurrent state:\n\[muc\]\n {2}State: {19}ready\n/);
      assert.match(text(), /\n {2}Last failed error: {7}None\n/);
      assert.match(
        text(),
        /\n {2}Channels:\n {7}1 - ready {11}- {2}client: none - since: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(0:00:\d\d\)\n/,
      );
      assert.match(text(), /\n {2}Heartbeat:\n {4}heartbeats received: \d+\n {4}next in \d\.\ds\n/);
      await lp.site.stop();
      await lp.pass(() => verdictOf(lp) === 'dead', 20_000);
      assert.match(text(), /\n {2}State: {19}starting\n/);
      assert.match(text(), /\n {2}Last failed error: {7}connect ENOENT/);
    },
  },
  {
    id: 'V51',
    about: 'the proxy asked about itself: its sites with their state, over the same protocol, errors and pipelining included',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      await lp.ask('GET hosts\n\n');
      const own = async (request: string) => {
        const client = await TestClient.open(join(lp.dir, 'liveproxy/cloud'));
        client.send(request);
        return client.all();
      };
      assert.equal(await own('GET hosts\nColumns: name state plugin_output\n\n'), 'muc;0;2.1.0p5\n');
      assert.equal(await own('GET status\nColumns: livestatus_version num_hosts requests\n\n'), 'ceilograph 1.2.3;1;1\n');
      assert.equal(
        await own('GET sites\nStats: status = 0\nStats: sum queries\nResponseHeader: fixed16\n\n'),
        framed(200, '1;1\n'),
      );
      assert.equal(await own('GET x\nResponseHeader: fixed16\n\n'), framed(404, "Invalid GET request, no such table 'x'"));
      const twice = 'GET sites\nColumns: name\nKeepAlive: on\n\n';
      assert.equal(await own(`${twice}${twice}GET sites\nColumns: policy\n\n`), 'muc\nmuc\npersistent\n');
      assert.match(await own('COMMAND [1] X\nResponseHeader: fixed16\nKeepAlive: off\n\n'), /^452 /);
      await lp.site.stop();
      await lp.pass(() => verdictOf(lp) === 'dead', 20_000);
      assert.match(await own('GET hosts\nColumns: name state plugin_output\n\n'), /^muc;1;connect ENOENT/);
      assert.equal(await own('GET hosts\nColumns: name\nAuthUser: somebody\n\n'), '');
    },
  },
];
