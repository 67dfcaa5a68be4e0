import { BlockList, createServer, isIP, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Fault } from '../../model/faults.ts';
import type { TcpDoor } from './settings.ts';

/** Listens for clients of other machines: those of the allow list, all others are closed before a byte is read. */
export async function openTcpDoor(door: TcpDoor, onClient: (client: Socket) => void): Promise<Server> {
  const allowed = allowList(door.onlyFrom);
  const admit = (socket: Socket) => {
    if (isAllowed(allowed, socket.remoteAddress ?? '')) return onClient(socket);
    socket.destroy();
  };
  const server =
    door.tls === null
      ? createServer({ allowHalfOpen: true }, admit)
      : createTlsServer({ ...door.tls, allowHalfOpen: true }, admit);
  server.on('tlsClientError', () => undefined); // a client that speaks no TLS, or not ours; its socket is closed already
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new Fault('fatal', 'cannot_listen', `cannot listen on ${door.host}:${door.port}: ${error.message}`, { cause: error }),
      ),
    );
    server.listen({ host: door.host, port: door.port }, resolve);
  });
  return server;
}

/** Addresses and networks: `192.168.1.0/24`, `::1`. Throws a fatal Fault for what is neither. */
export function allowList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/');
    const family = isIP(address);
    const most = family === 4 ? 32 : 128;
    if (family === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)))
      throw new Fault('fatal', 'bad_address', `only_from: ${entry} is no IP address or network, expected such as 192.168.1.0/24`);
    const kind = family === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, kind);
    else list.addSubnet(address, Number(bits), kind);
  }
  return list;
}

export function isAllowed(list: BlockList, address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  const family = isIP(plain);
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}
