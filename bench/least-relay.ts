import { connect, createServer, type Socket } from 'node:net';
import { endTogether } from './children.ts';

/**
 *     node --import tsx bench/least-relay.ts SITE LISTEN
 *
 * The least that anything in Node can do between clients and a Livestatus server, for the bench of the proxy: two connections, kept while
 * anybody waits, and answers measured by their header and handed on. No time limits, no errors, no counts; ends when it is told.
 */
interface Upstream {
  readonly socket: Socket;
  left: number;
  asker: Asker | null;
}

interface Asker {
  readonly socket: Socket;
  readonly question: string;
}

endTogether();
const [site = '', listen = ''] = process.argv.slice(2);
const headerBytes = 16;
const line: Asker[] = [];
const most = 2;
let there = 0;

createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => undefined); // clients of a bench close as they like
  socket.on('end', () => socket.end());
  socket.on('data', (chunk: Buffer) => {
    const asker = { socket, question: chunk.toString('latin1').replace(/\n\n$/, '\nKeepAlive: on\n\n') };
    if (there === most) line.push(asker);
    else ask(open(), asker);
  });
}).listen(listen);

function open(): Upstream {
  there += 1;
  const upstream: Upstream = { socket: connect({ path: site }), left: 0, asker: null };
  upstream.socket.on('data', (chunk: Buffer) => {
    if (upstream.left === 0) upstream.left = headerBytes + Number(chunk.toString('latin1', 4, headerBytes - 1));
    upstream.left -= chunk.length;
    const { asker } = upstream;
    asker?.socket.write(chunk);
    if (upstream.left > 0) return;
    const next = line.shift();
    if (next !== undefined) ask(upstream, next);
    else {
      there -= 1;
      upstream.socket.destroy();
    }
    asker?.socket.end();
  });
  return upstream;
}

function ask(upstream: Upstream, asker: Asker): void {
  upstream.asker = asker;
  upstream.socket.write(asker.question, 'latin1');
}
