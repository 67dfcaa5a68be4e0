import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A wire that a test can cut (connections are reset), freeze (nothing passes, nothing is told) and mend. */
export interface TcpProxy {
  readonly port: number;
  /** Connections open now. */
  readonly open: number;
  cut(): void;
  /** The connection on which the target says so much from now on is ended there, in the midst of an answer perhaps. */
  endAfter(bytes: number): void;
  freeze(): void;
  /** What the target says on connections open now stays here; it still hears everything. */
  holdAnswers(): void;
  thaw(): void;
  /** While refusing, new connections are reset at once. */
  refuse(refusing: boolean): void;
  close(): Promise<void>;
}

export async function startProxy(target: { readonly host: string; readonly port: number }, port = 0): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let frozen = false;
  let refusing = false;
  let endAfter = Number.POSITIVE_INFINITY;
  const server = createServer((near) => {
    near.on('error', () => near.destroy());
    if (refusing) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(target.port, target.host);
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (chunk) => to.write(chunk));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      if (frozen) from.pause();
    }
    let said = 0;
    far.on('data', ({ length }) => {
      if (endAfter === Number.POSITIVE_INFINITY) return;
      said += length;
      if (said < endAfter) return;
      endAfter = Number.POSITIVE_INFINITY;
      far.pause();
      near.end();
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const everySocket = () => [...pairs].flat();
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return pairs.size;
    },
    cut() {
      for (const socket of everySocket()) socket.resetAndDestroy();
    },
    endAfter(bytes) {
      endAfter = bytes;
    },
    freeze() {
      frozen = true;
      for (const socket of everySocket()) socket.pause();
    },
    holdAnswers() {
      for (const [, far] of pairs) far.pause();
    },
    thaw() {
      frozen = false;
      for (const socket of everySocket()) socket.resume();
    },
    refuse(now) {
      refusing = now;
    },
    async close() {
      for (const socket of everySocket()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
