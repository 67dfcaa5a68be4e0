import assert from 'node:assert/strict';
import type { LivestatusFault } from './fault.ts';
import { echo, framed, rig, turn } from './rig.ts';

/** What clients do with their requests. */
export const faultsOfRequests: readonly LivestatusFault[] = [
  {
    id: 'V20',
    about: 'half a request and then nothing: 451 after 120 seconds, and the connection is closed',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      const client = await lp.client();
      client.send('GET hosts\nResponseHeader: fixed16\nColumns: na');
      await turn();
      const ms = await lp.pass(() => client.ended);
      assert.ok(ms >= 119_000 && ms <= 125_000, `after ${ms} ms`);
      assert.equal(client.text, framed(451, 'Client connection terminated while request still incomplete'));
    },
  },
  {
    id: 'V21',
    about: 'half-close ends a whole request on mk, is silence on Icinga, and 451 inside a line',
    run: async () => {
      for (const [version, request, expected] of [
        ['2.1.0p5', 'GET hosts\n', 'GET hosts\n'],
        ['2.1.0p5', 'GET hosts\n\n', 'GET hosts\n'],
        [
          '2.1.0p5',
          'GET hosts\nResponseHeader: fixed16\nColu',
          framed(451, 'Client connection terminated while request still incomplete'),
        ],
        ['2.1.0p5', 'GET hosts\nColu', ''],
        ['r2.13.6-1', 'GET hosts\n', ''],
        ['r2.13.6-1', 'GET hosts\n\n', 'GET hosts\n'],
      ] as const) {
        await using lp = await rig({ version });
        await lp.ready();
        const client = await lp.client();
        client.send(request);
        client.socket.end();
        assert.equal(await client.all(), expected, `${version} ${JSON.stringify(request)}`);
      }
    },
  },
  {
    id: 'V22',
    about: 'a request byte by byte is one request',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      const client = await lp.client();
      for (const byte of 'GET hosts\nColumns: name\n\n') {
        client.send(byte);
        await turn();
      }
      assert.equal(await client.all(), 'GET hosts\n');
      assert.equal(lp.site.queries.length, 1);
    },
  },
  {
    id: 'V23',
    about: 'three pipelined requests: three answers in order with KeepAlive, one without',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      const kept = [1, 2, 3].map((n) => `GET t${n}\nKeepAlive: on\n\n`).join('');
      const client = await lp.client();
      client.send(kept);
      await client.says('GET t1\nGET t2\nGET t3\n');
      assert.equal(client.ended, false);
      client.socket.destroy();
      assert.equal(await lp.ask('GET t1\n\nGET t2\n\nGET t3\n\n'), 'GET t1\n');
    },
  },
  {
    id: 'V24',
    about: 'ten thousand pipelined requests of one client, to a dead site too, are answered without end of stack or memory',
    run: async () => {
      for (const down of [false, true]) {
        await using lp = await rig(down ? { down } : {});
        if (down) await lp.pass(() => lp.told('livestatus:dead').length > 0);
        else await lp.ready();
        const client = await lp.client();
        const count = 10_000;
        client.send('GET t\nResponseHeader: fixed16\nKeepAlive: on\n\n'.repeat(count));
        client.socket.end();
        await client.all();
        const one = client.text.slice(0, client.text.length / count);
        assert.equal(client.text, one.repeat(count));
        assert.match(one, down ? /^502 / : /^200 /);
      }
    },
  },
  {
    id: 'V25',
    about: 'a request longer than 64 KiB in a line or 1 MiB in all: 413, and the connection is closed',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      const answer = await lp.ask(`GET hosts\nResponseHeader: fixed16\nColumns: ${'x'.repeat(70_000)}\n\n`);
      assert.equal(answer, framed(413, 'Request too long: more than 65536 bytes'));
      const long = await lp.ask(`GET hosts\nResponseHeader: fixed16\n${'Filter: name = x\n'.repeat(70_000)}`);
      assert.equal(long.slice(0, 3), '413');
      assert.equal(lp.site.queries.length, 0);
    },
  },
  {
    id: 'V26',
    about: 'other methods, empty requests and strange values go to the server untouched or are closed, as servers do',
    run: async () => {
      await using lp = await rig({
        script: (request, socket) => {
          socket.end(`raw ${request.split('\n')[0]}`);
        },
      });
      await lp.ready();
      assert.equal(await lp.ask('\n'), '');
      assert.equal(await lp.ask('LOGROTATE\n\n'), 'raw LOGROTATE');
      assert.equal(await lp.ask('get hosts\n\n'), 'raw get hosts');
      assert.equal(await lp.ask('GET hosts\nResponseHeader: fixed32\n\n'), 'raw GET hosts');
      assert.ok(lp.site.queries.includes('GET hosts\nResponseHeader: fixed32\n'));
    },
  },
  {
    id: 'V27',
    about: 'carriage returns and lines of blanks end a request as an empty line does, so nothing is smuggled behind them',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      assert.equal(await lp.ask('GET hosts\r\nColumns: name\r\n\r\n'), 'GET hosts\r\n');
      assert.equal(await lp.ask('GET a\n \nGET b\n\n'), 'GET a\n');
      assert.deepEqual(
        lp.site.queries.map((query) => query.split('\n')[0]),
        ['GET hosts\r', 'GET a'],
      );
    },
  },
  {
    id: 'V36',
    about: 'a client that goes away in the middle of its answer: its channel is closed, the others go on',
    run: async () => {
      await using lp = await rig({
        site: { number_of_channels: 1 },
        script: (request, socket, site) => {
          if (!request.startsWith('GET slow')) echo(request, socket, site);
          else {
            socket.write(`200 ${String(1 << 28).padStart(11)}\n`);
            const more = () => void (socket.destroyed || socket.write('x'.repeat(10_000), () => setImmediate(more)));
            more();
          }
        },
      });
      await lp.ready();
      const client = await lp.client();
      client.send('GET slow\n\n');
      await lp.pass(() => client.text.length > 0);
      client.socket.destroy();
      assert.equal(await lp.ask('GET hosts\n\n'), 'GET hosts\n');
      assert.equal(lp.told('livestatus:query').filter((facts) => facts['outcome'] === 'gone').length, 1);
    },
  },
  {
    id: 'V37',
    about: 'a command for a dead site: an error, or the closed connection, never silence',
    run: async () => {
      await using lp = await rig({ down: true });
      await lp.pass(() => lp.told('livestatus:dead').length > 0);
      const fixed = await lp.client();
      fixed.send('COMMAND [1] X\nResponseHeader: fixed16\n\n');
      await lp.pass(() => fixed.text.length > 0, 1_000);
      assert.match(fixed.text, /^502 +\d+\nSite 'muc' is not reachable: connect ENOENT/);
      fixed.socket.destroy();
      assert.equal(await lp.ask('COMMAND [1] X\n\n'), '');
    },
  },
  {
    id: 'V38',
    about: 'a command whose connection breaks is never sent twice, and its client hears that nobody knows',
    run: async () => {
      await using lp = await rig({
        script: (request, socket, site) => (request.startsWith('COMMAND') ? socket.destroy() : echo(request, socket, site)),
      });
      await lp.ready();
      const client = await lp.client();
      client.send('COMMAND [1] RESTART\nResponseHeader: fixed16\n\n');
      await lp.pass(() => client.text.length > 0, 5_000);
      assert.match(client.text, /^502 [\s\S]*It may have been executed and is not sent again\.$/);
      client.socket.destroy();
      assert.equal(lp.site.queries.filter((query) => query.startsWith('COMMAND')).length, 1);
    },
  },
  {
    id: 'V39',
    about:
      'commands are confirmed by the question behind them, leave the connection open, and are followed by what was pipelined',
    run: async () => {
      await using lp = await rig({
        script: (request, socket, site) => {
          if (!request.startsWith('COMMAND')) echo(request, socket, site);
        },
      });
      await lp.ready();
      const client = await lp.client();
      client.send('COMMAND [1] A\n\nCOMMAND [1] B\n\nGET hosts\nKeepAlive: on\n\n');
      await client.says('GET hosts\n');
      assert.equal(client.ended, false);
      client.socket.destroy();
      assert.deepEqual(
        lp.site.queries.map((query) => query.split('\n')[0]).filter((line) => line?.startsWith('COMMAND')),
        ['COMMAND [1] A', 'COMMAND [1] B'],
      );
    },
  },
];
