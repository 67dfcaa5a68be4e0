import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { LivestatusFault } from './fault.ts';
import { echo, framed, rig, type Script, until } from './rig.ts';

const verdictOf = (lp: Awaited<ReturnType<typeof rig>>) => lp.proxy.sites[0]?.site.heartbeat.beat.verdict;

/** What was reported of other proxies and must not happen here. */
export const faultsOfReports: readonly LivestatusFault[] = [
  {
    id: 'V60',
    about: 'a site that flaps fifty times leaves no connection, job or timer behind',
    run: async () => {
      await using lp = await rig({ site: { number_of_channels: 3, connect_retry: 0.2, heartbeat_interval: 0.2 } });
      await lp.ready();
      for (let i = 0; i < 50; i++) {
        await lp.site.stop();
        await lp.pass(() => verdictOf(lp) === 'dead', 20_000);
        await lp.site.restart();
        await lp.pass(() => verdictOf(lp) === 'ready', 20_000);
      }
      await lp.pass(() => lp.site.open.size === 4, 20_000);
      assert.equal(lp.proxy.sites[0]?.site.pool.all.size, 3);
      assert.equal(lp.proxy.sites[0]?.site.jobs.length, 0);
      assert.equal(await lp.ask('GET hosts\n\n'), 'GET hosts\n');
    },
  },
  {
    id: 'V61',
    about: 'an answer whose client stops reading for a minute is not aborted',
    run: async () => {
      const body = 'y'.repeat(8 * 1024 * 1024);
      await using lp = await rig({
        site: { client_buffer_bytes: 65_536 },
        script: (_request, socket) => void socket.end(framed(200, body)),
      });
      await lp.ready();
      const client = await lp.client();
      client.socket.pause();
      client.send('GET big\n\n');
      await until(() => lp.site.queries.length === 1);
      await lp.clock.advance(60_000);
      client.socket.resume();
      await until(() => client.ended);
      assert.equal(client.text.length, body.length);
    },
  },
  {
    id: 'V62',
    about: 'a thousand queries, a third of them abandoned, leave nothing behind, and every other client gets its own answer',
    run: async () => {
      await using lp = await rig({
        site: { wait_for_free_channel: 60 },
        script: (request, socket, site) => void setTimeout(() => echo(request, socket, site), Math.random() * 3),
      });
      await lp.ready();
      for (let round = 0; round < 10; round++)
        await Promise.all(
          Array.from({ length: 100 }, async (_, i) => {
            if (i % 3 !== 0) return assert.equal(await lp.ask(`GET r${round}c${i}\n\n`), `GET r${round}c${i}\n`);
            const client = await lp.client();
            client.send('GET abandoned\n\n');
            client.socket.destroy();
          }),
        );
      const [served] = lp.proxy.sites;
      await lp.pass(() => served?.clients.size === 0 && served.site.jobs.length === 0, 20_000);
      assert.ok((served?.site.pool.all.size ?? 99) <= 10);
    },
  },
  {
    id: 'V63',
    about: 'a heartbeat answered with nonsense is a missed one, whatever the nonsense',
    run: async () => {
      const nonsense = ['[[', '{}', '[]', 'null', '[[{"a":1}]]'];
      await using lp = await rig();
      await lp.ready();
      for (const version of ['"', '\\', '\n', ...nonsense]) {
        lp.site.version = version;
        await lp.clock.advance(3_100);
        assert.equal(await lp.ask('GET hosts\n\n').then((text) => text === 'GET hosts\n' || text === ''), true);
      }
    },
  },
  {
    id: 'V64',
    about: 'no idle connection stays open to an Icinga: its checks are not frozen by us',
    run: async () => {
      await using lp = await rig({ version: 'r2.13.6-1' });
      await lp.ready();
      for (let i = 0; i < 20; i++) await lp.ask('GET hosts\n\n');
      await lp.clock.advance(30_000);
      await lp.pass(() => lp.site.open.size === 0, 5_000);
    },
  },
  {
    id: 'V65',
    about: 'random bytes from clients and from the site end no process and no other client',
    run: async () => {
      const random = () => Buffer.from(Array.from({ length: 1 + Math.random() * 300 }, () => Math.random() * 256));
      const hostile: Script = (_request, socket) => void socket.end(random());
      await using lp = await rig({
        script: (request, socket, site) => (request.startsWith('GET hosts') ? echo : hostile)(request, socket, site),
      });
      await lp.ready();
      for (let i = 0; i < 200; i++) {
        const client = connect({ path: lp.socket });
        client.on('error', () => undefined); // it may be cut off
        client.write(i % 2 === 0 ? random() : `GET x${i}\nResponseHeader: fixed16\n\n`);
        client.end();
        if (i % 20 === 0) assert.equal(await lp.ask('GET hosts\n\n'), 'GET hosts\n');
      }
      assert.equal(await lp.ask('GET hosts\n\n'), 'GET hosts\n');
    },
  },
  {
    id: 'V66',
    about: 'a reload with the same settings touches nothing; one changed site leaves the channels of the others',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      const socket = `unix:${lp.site.path}`;
      const kept = await lp.client();
      kept.send('GET one\nKeepAlive: on\n\n');
      await kept.says('GET one\n');
      const before = lp.proxy.sites[0];
      assert.deepEqual(await lp.reload({ muc: { socket } }), { added: [], removed: [], changed: [], kept: ['muc'] });
      assert.deepEqual(await lp.reload({ muc: { socket }, ber: { socket } }), {
        added: ['ber'],
        removed: [],
        changed: [],
        kept: ['muc'],
      });
      assert.deepEqual(await lp.reload({ muc: { socket }, ber: { socket, channels: 3 } }), {
        added: [],
        removed: [],
        changed: ['ber'],
        kept: ['muc'],
      });
      assert.equal(
        lp.proxy.sites.find((served) => served.site.id === 'muc'),
        before,
      );
      kept.send('GET two\nKeepAlive: on\n\n');
      await kept.says('GET one\nGET two\n');
      kept.socket.destroy();
    },
  },
  {
    id: 'V67',
    about: 'what is asked is counted and told with a trace, by outcome',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      await lp.ask('GET hosts\n\n');
      const [told] = lp.told('livestatus:query');
      assert.equal(told?.['trace'], 'muc.1.1');
      assert.equal(told?.['table'], 'hosts');
      assert.equal(told?.['outcome'], 'answered');
      assert.equal(told?.['code'], 200);
      assert.equal(told?.['bytes'], 10);
      const table = await readFile(new URL('../../src/telemetry/events.ts', import.meta.url), 'utf8');
      assert.ok(!/labels: \[[^\]]*'(?:table|trace)'/.test(table), 'what clients choose must not become a label');
    },
  },
];
