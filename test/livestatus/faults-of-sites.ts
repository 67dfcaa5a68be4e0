import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { LivestatusFault } from './fault.ts';
import { echo, framed, rig, type Script, until } from './rig.ts';

const fixed = 'GET hosts\nResponseHeader: fixed16\n\n';
const never: Script = () => undefined;
const verdictOf = (lp: Awaited<ReturnType<typeof rig>>) => lp.proxy.sites[0]?.site.heartbeat.beat.verdict;

/** What befalls sites, and how much they are asked for at once. */
export const faultsOfSites: readonly LivestatusFault[] = [
  {
    id: 'V3',
    about: 'the configured number of channels is kept open, and opened anew after a while when the site was away',
    run: async () => {
      await using lp = await rig({ site: { number_of_channels: 4 } });
      await lp.ready();
      await lp.pass(() => lp.site.open.size === 5); // four and the heartbeat's
      await lp.site.restart();
      await lp.pass(() => lp.site.open.size === 5, 20_000);
      assert.ok(lp.site.mostOpen <= 6);
    },
  },
  {
    id: 'V5',
    about: 'clients are in the states query, channel and response, with the time since when',
    run: async () => {
      await using lp = await rig({ site: { number_of_channels: 1 }, script: never });
      await lp.ready();
      const states = () => [...(lp.proxy.sites[0]?.clients ?? [])].map((client) => client.state);
      const clients = [await lp.client(), await lp.client(), await lp.client()];
      await until(() => states().length === 3);
      assert.deepEqual(states(), ['query', 'query', 'query']);
      clients[0]?.send(fixed);
      await until(() => states()[0] === 'response');
      await lp.clock.advance(1_000);
      clients[1]?.send(fixed);
      await until(() => states()[1] === 'channel');
      assert.deepEqual(states(), ['response', 'channel', 'query']);
      const [first, second] = [...(lp.proxy.sites[0]?.clients ?? [])];
      assert.ok((second?.sinceMs ?? 0) - (first?.sinceMs ?? 0) >= 1_000);
      for (const client of clients) client.socket.destroy();
    },
  },
  {
    id: 'V6',
    about: 'a full pool is still probed: the heartbeat has a channel of its own',
    run: async () => {
      await using lp = await rig({ site: { number_of_channels: 2 }, script: never });
      await lp.ready();
      const clients = [await lp.client(), await lp.client(), await lp.client()];
      for (const client of clients) client.send('GET hosts\n\n');
      await until(() => lp.site.queries.length === 2);
      const before = lp.site.heartbeats;
      await lp.clock.advance(9_100);
      await until(() => lp.site.heartbeats >= before + 2);
      assert.equal(verdictOf(lp), 'ready');
      for (const client of clients) client.socket.destroy();
    },
  },
  {
    id: 'V7',
    about: 'one missed heartbeat makes nobody dead, the second opinion on a new connection decides',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      lp.site.frozen = true;
      await lp.pass(() => lp.told('livestatus:suspect').length === 1, 10_000);
      assert.equal(verdictOf(lp), 'suspect');
      lp.site.frozen = false;
      await lp.pass(() => verdictOf(lp) === 'ready', 10_000);
      assert.equal(lp.told('livestatus:dead').length, 0);
    },
  },
  {
    id: 'V9',
    about: 'a dead site: its channels are dropped, waiters and newcomers hear at once why, with 502',
    run: async () => {
      await using lp = await rig({ site: { number_of_channels: 1 }, script: never });
      await lp.ready();
      const clients = [await lp.client(), await lp.client()];
      for (const client of clients) client.send(fixed);
      await until(() => lp.site.queries.length === 1);
      await lp.site.stop();
      await lp.pass(() => clients.every((client) => client.ended), 10_000);
      for (const client of clients) assert.match(client.text, /^502 +\d+\nSite 'muc' is not reachable: connect ENOENT/);
      const late = await lp.client();
      late.send(fixed);
      await until(() => late.ended);
      assert.match(late.text, /^502 /);
    },
  },
  {
    id: 'V10',
    about: 'no free channel for five seconds: the known sentence with 503, and the first who came is the first served',
    run: async () => {
      let release = () => undefined as unknown;
      const hold: Script = (request, socket, site) => {
        release = () => echo(request, socket, site);
      };
      await using lp = await rig({ site: { number_of_channels: 1 }, script: hold });
      await lp.ready();
      const first = await lp.client();
      first.send('GET one\n\n');
      await until(() => lp.site.queries.length === 1);
      const waiting = await lp.client();
      waiting.send(fixed);
      const ms = await lp.pass(() => waiting.ended, 10_000);
      assert.equal(waiting.text, framed(503, 'All 1 channels busy, timeout waiting for free channel.'));
      assert.ok(ms >= 4_900 && ms <= 5_400, `after ${ms} ms`);
      const order = [await lp.client(), await lp.client(), await lp.client()];
      for (const [i, client] of order.entries()) {
        client.send(`GET n${i}\n\n`);
        await until(() => (lp.proxy.sites[0]?.site.jobs.length ?? 0) === i + 2);
      }
      lp.site.script = echo;
      release();
      await Promise.all(order.map((client) => client.all()));
      assert.deepEqual(
        lp.site.queries.slice(-3).map((query) => query.split('\n')[0]),
        ['GET n0', 'GET n1', 'GET n2'],
      );
    },
  },
  {
    id: 'V42',
    about: 'a frozen site is found dead within ten seconds, says nothing old, and serves within five when it is thawed',
    run: async () => {
      await using lp = await rig({ site: { cache: true } });
      await lp.ready();
      const query = 'GET hostgroups\nColumns: name\nResponseHeader: fixed16\n\n';
      assert.match(await lp.ask(query), /^200 /);
      lp.site.frozen = true;
      const toDead = await lp.pass(() => verdictOf(lp) === 'dead', 20_000);
      assert.ok(toDead <= 10_000, `${toDead} ms`);
      assert.match(await lp.ask(query), /^502 /);
      await lp.clock.advance(30_000);
      lp.site.frozen = false;
      const toReady = await lp.pass(() => verdictOf(lp) === 'ready', 20_000);
      assert.ok(toReady <= 5_000, `${toReady} ms`);
      assert.match(await lp.ask(query), /^200 /);
    },
  },
  {
    id: 'V43',
    about: 'a site with three workers and 64 clients: never more than three connections, nobody starves',
    run: async () => {
      await using lp = await rig({
        version: 'r2.13.6-1',
        site: { workers: 3, wait_for_free_channel: 60 },
        script: (request, socket, site) => void setTimeout(() => echo(request, socket, site), 1),
      });
      await lp.ready();
      const answered = new Array<number>(64).fill(0);
      await Promise.all(
        answered.map(async (_, i) => {
          for (let n = 0; n < 5; n++) {
            assert.equal(await lp.ask(`GET c${i}\n\n`), `GET c${i}\n`);
            answered[i] = n + 1;
            const least = Math.min(...answered);
            assert.ok(n - least <= 2, 'somebody is served far more often than somebody else');
          }
        }),
      );
      assert.ok(lp.site.mostOpen <= 3, `${lp.site.mostOpen} open at once`);
    },
  },
  {
    id: 'V44',
    about:
      'queries that wait for a trigger, for longer than heartbeats and time limits, are no hang and leave a channel to others',
    run: async () => {
      const waits: (() => void)[] = [];
      await using lp = await rig({
        site: { number_of_channels: 2, maximum_response_time: 10 },
        script: (request, socket, site) =>
          request.includes('WaitTrigger') ? void waits.push(() => echo(request, socket, site)) : echo(request, socket, site),
      });
      await lp.ready();
      const clients = [await lp.client(), await lp.client()];
      for (const client of clients) client.send('GET wait\nWaitTrigger: check\nWaitTimeout: 300000\n\n');
      await until(() => waits.length === 1);
      assert.equal(await lp.ask('GET hosts\n\n'), 'GET hosts\n');
      const end = lp.clock.monotonic() + 60_000;
      await lp.pass(() => lp.clock.monotonic() >= end);
      assert.equal(verdictOf(lp), 'ready');
      assert.equal(clients[0]?.ended, false);
      waits.shift()?.();
      assert.equal(await clients[0]?.all(), 'GET wait\n');
      clients[1]?.socket.destroy();
    },
  },
  {
    id: 'V45',
    about: 'a query beyond the maximum response time: 504, its channel is closed, the site stays alive',
    run: async () => {
      await using lp = await rig({ script: never });
      await lp.ready();
      const client = await lp.client();
      client.send(fixed);
      await until(() => lp.site.queries.length === 1);
      const ms = await lp.pass(() => client.ended, 200_000);
      assert.equal(client.text, framed(504, 'Query timeout of 120 seconds exceeded'));
      assert.ok(ms >= 119_900 && ms <= 121_000, `after ${ms} ms`);
      assert.equal(verdictOf(lp), 'ready');
    },
  },
  {
    id: 'V46',
    about: 'a clock that is set moves nothing: every limit runs on the monotonic one',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      const now = lp.clock.now.bind(lp.clock);
      let shift = 0;
      lp.clock.now = () => now() + shift;
      for (const step of [3_600_000, -86_400_000, 0]) {
        shift = step;
        const end = lp.clock.monotonic() + 6_000;
        await lp.pass(() => lp.clock.monotonic() >= end);
        assert.equal(await lp.ask('GET hosts\n\n'), 'GET hosts\n');
        assert.equal(verdictOf(lp), 'ready');
      }
      assert.equal(lp.told('livestatus:suspect').length, 0);
    },
  },
  {
    id: 'V47',
    about:
      'a busy site that answers queries but its heartbeat late is not dead: it gets half as many channels, one more each minute',
    run: async () => {
      await using lp = await rig({ site: { number_of_channels: 8 } });
      await lp.ready();
      const site = lp.proxy.sites[0]?.site;
      const trickling: Socket[] = [];
      lp.site.script = (_request, socket) => {
        socket.write(`200 ${String(1_000_000).padStart(11)}\n`);
        trickling.push(socket);
      };
      const client = await lp.client();
      client.send('GET slow\n\n');
      await until(() => trickling.length === 1);
      lp.site.frozen = true;
      await lp.pass(() => {
        for (const socket of trickling) socket.write('x');
        return lp.told('livestatus:overloaded').length > 0;
      }, 20_000);
      assert.equal(site?.policy.cap, 4);
      assert.equal(lp.told('livestatus:dead').length, 0);
      lp.site.frozen = false;
      client.socket.destroy();
      await lp.pass(() => site?.policy.cap === 6, 200_000);
    },
  },
];
