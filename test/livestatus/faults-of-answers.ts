import assert from 'node:assert/strict';
import type { LivestatusFault } from './fault.ts';
import { echo, framed, rig, type Script, turn, until } from './rig.ts';

const fixed = 'GET hosts\nResponseHeader: fixed16\n\n';
const saying =
  (...pieces: readonly string[]): Script =>
  async (_request, socket) => {
    for (const piece of pieces) {
      socket.write(piece, 'latin1');
      await turn();
      await turn();
    }
  };
const thenEnding =
  (text: string): Script =>
  (_request, socket) =>
    void socket.end(text, 'latin1');

async function answerOf(script: Script, request = fixed): Promise<{ readonly text: string; readonly queries: number }> {
  await using lp = await rig({ script });
  await lp.ready();
  const text = await lp.ask(request);
  return { text, queries: lp.site.queries.length };
}

/** What sites do with their answers. */
export const faultsOfAnswers: readonly LivestatusFault[] = [
  {
    id: 'V28',
    about: 'a body that looks like a header is a body',
    run: async () => {
      const body = '200           3\n20\n404           0\n';
      assert.equal((await answerOf(saying(framed(200, body)))).text, framed(200, body));
    },
  },
  {
    id: 'V29',
    about: 'an empty body, and one of many pieces with its header cut everywhere',
    run: async () => {
      assert.equal((await answerOf(saying(framed(200, '')))).text, framed(200, ''));
      const whole = framed(200, 'abcdefgh');
      for (let cut = 1; cut < whole.length; cut += 3)
        assert.equal((await answerOf(saying(whole.slice(0, cut), whole.slice(cut)))).text, whole);
      assert.equal((await answerOf(saying(...whole))).text, whole);
    },
  },
  {
    id: 'V30',
    about: 'a length of twelve digits, or no header at all: 502 with what came instead, asked only once',
    run: async () => {
      for (const garbage of [
        '200 999999999999\nx',
        'bad request: no such thing, and more of it\n',
        '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
      ]) {
        const { text, queries } = await answerOf(thenEnding(garbage));
        assert.match(text, /^502 [\s\S]*Site 'muc' gave no usable answer: no header but "/);
        assert.equal(queries, 1);
      }
    },
  },
  {
    id: 'V31',
    about: 'a site that closes after the header or in the body: the client is cut off, nothing is made up',
    run: async () => {
      for (const part of ['200         100\n', '200         100\nhalf of it']) {
        const { text } = await answerOf(thenEnding(part));
        assert.ok(part.startsWith(text), JSON.stringify(text));
      }
    },
  },
  {
    id: 'V32',
    about: 'a site that sends more than it announced: the answer as announced, and the channel is never used again',
    run: async () => {
      await using lp = await rig({ site: { number_of_channels: 1 }, script: saying(`${framed(200, 'all')}and more`) });
      await lp.ready();
      assert.equal(await lp.ask(fixed), framed(200, 'all'));
      lp.site.script = echo;
      assert.equal(await lp.ask('GET two\n\n'), 'GET two\n');
    },
  },
  {
    id: 'V33',
    about: 'an idle channel that the site has closed: the query is asked again on a new one, invisibly',
    run: async () => {
      await using lp = await rig({ site: { number_of_channels: 2 } });
      await lp.ready();
      await lp.ask('GET one\n\n');
      let first = true;
      lp.site.script = (request, socket, site) => {
        if (!first) return echo(request, socket, site);
        first = false;
        socket.destroy();
      };
      assert.equal(await lp.ask('GET two\n\n'), 'GET two\n');
      for (const socket of lp.site.open) socket.destroy();
      assert.equal(await lp.ask('GET three\n\n'), 'GET three\n');
    },
  },
  {
    id: 'V34',
    about: 'a site that restarts during a query: the query is answered by the new one, or honestly not',
    run: async () => {
      await using lp = await rig();
      await lp.ready();
      lp.site.script = () => undefined;
      const client = await lp.client();
      client.send(fixed);
      await until(() => lp.site.queries.length === 1);
      lp.site.script = echo;
      lp.site.programStart += 100;
      await lp.site.restart();
      await lp.pass(() => client.ended);
      assert.ok(/^200 /.test(client.text) || /^502 /.test(client.text), client.text);
      await lp.pass(() => lp.told('livestatus:ready').length > 0 && lp.proxy.sites[0]?.site.heartbeat.beat.verdict === 'ready');
      assert.equal(await lp.ask('GET hosts\n\n'), 'GET hosts\n');
    },
  },
  {
    id: 'V35',
    about: 'a client that reads 50 MB slowly gets all of them, and the proxy keeps no more than its buffer',
    run: async () => {
      const size = 50 * 1024 * 1024;
      await using lp = await rig({
        site: { client_buffer_bytes: 1024 * 1024, number_of_channels: 2 },
        script: (request, socket, site) => {
          if (!request.startsWith('GET big')) return echo(request, socket, site);
          socket.write(`200 ${String(size).padStart(11)}\n`);
          const piece = Buffer.alloc(256 * 1024, 'x');
          let left = size;
          const more = () => {
            while (left > 0) {
              left -= piece.length;
              if (!socket.write(piece)) return void socket.once('drain', more);
            }
          };
          more();
        },
      });
      await lp.ready();
      const client = await lp.client();
      let bytes = 0;
      let reading = false;
      client.socket.removeAllListeners('data');
      client.socket.pause();
      client.socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (reading) return;
        client.socket.pause();
        setImmediate(() => client.socket.resume());
      });
      const before = process.memoryUsage().arrayBuffers;
      client.send('GET big\nResponseHeader: fixed16\n\n');
      // Nobody reads for a while: others are served meanwhile.
      for (let i = 0; i < 20; i++) assert.equal(await lp.ask('GET hosts\n\n'), 'GET hosts\n');
      const held = process.memoryUsage().arrayBuffers - before;
      assert.ok(held < 24 * 1024 * 1024, `${held} bytes are held`);
      reading = true;
      client.socket.resume();
      await until(() => client.ended);
      assert.equal(bytes, size + 16);
    },
  },
  {
    id: 'V68',
    about: 'a client that does not read yet gets its own answer, although the same channel has answered others meanwhile',
    run: async () => {
      const answers = new Map(['one', 'two', 'three'].map((name) => [name, framed(200, `${name} `.repeat(80_000))]));
      await using lp = await rig({
        site: { number_of_channels: 1 },
        script: (request, socket) => void socket.write(answers.get(request.split(/\s/)[1] ?? '') ?? ''),
      });
      await lp.ready();
      const slow = await lp.client();
      slow.socket.pause();
      slow.send('GET one\nResponseHeader: fixed16\n\n');
      await until(() => lp.site.queries.length === 1);
      for (const name of ['two', 'three'])
        assert.ok((await lp.ask(`GET ${name}\nResponseHeader: fixed16\n\n`)) === answers.get(name), name);
      slow.socket.resume();
      assert.ok((await slow.all()) === answers.get('one'));
    },
  },
  {
    id: 'V40',
    about: 'errors of the site go to the client with the header, as text on mk without it, as silence on Icinga',
    run: async () => {
      const script = thenEnding(framed(404, "Table 'x' does not exist."));
      for (const [version, request, expected] of [
        ['2.1.0p5', 'GET x\nResponseHeader: fixed16\n\n', framed(404, "Table 'x' does not exist.")],
        ['2.1.0p5', 'GET x\n\n', "Table 'x' does not exist."],
        ['r2.13.6-1', 'GET x\n\n', ''],
        ['r2.13.6-1', 'GET x\nResponseHeader: fixed16\n\n', framed(404, "Table 'x' does not exist.")],
      ] as const) {
        await using lp = await rig({ script, version });
        await lp.ready();
        assert.equal(await lp.ask(request), expected);
      }
    },
  },
  {
    id: 'V41',
    about: 'an Icinga that closes without a byte is asked twice, then the client is closed as it would have been',
    run: async () => {
      await using lp = await rig({ version: 'r2.13.6-1', script: (_request, socket) => void socket.end() });
      await lp.ready();
      assert.equal(await lp.ask(fixed), '');
      assert.equal(lp.site.queries.length, 2);
    },
  },
];
