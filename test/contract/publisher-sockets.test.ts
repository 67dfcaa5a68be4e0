import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { makeBatch } from '../../src/pipeline/batch.ts';
import { PartialFault } from '../../src/publishers/publisher.ts';
import { tcp } from '../../src/publishers/tcp/index.ts';
import { TcpSchema } from '../../src/publishers/tcp/schema.ts';
import { udp } from '../../src/publishers/udp/index.ts';
import { UdpSchema } from '../../src/publishers/udp/schema.ts';
import { unpack } from '../services/unpack.ts';
import { type Arrived, codec, type PublisherRig, publisherContract, sample } from './publisher.contract.ts';

const context = { name: 'target', sink: 'sink', kind: 'samples', clock: systemClock, random: Math.random, baseDir: '/' } as const;
const never = new AbortController().signal;

function arrivedAs(message: unknown): Arrived {
  const { message_id: id, counter_volume: volume } = message as { message_id: string; counter_volume: unknown };
  const float = (volume as { float?: number } | null)?.float;
  return { id, volume: float === undefined ? String(volume) : Number.isInteger(float) ? `${float}.0` : String(float) };
}

/** Reads frames as Ceilometer's receivers do: 8 bytes of length, little-endian, then the message. */
class Receiver {
  readonly messages: unknown[] = [];
  port = 0;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  async listen(): Promise<void> {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      let bytes = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk]);
        while (bytes.length >= 8) {
          const length = Number(bytes.readBigUInt64LE());
          if (bytes.length < 8 + length) break;
          this.messages.push(unpack(bytes.subarray(8, 8 + length)));
          bytes = bytes.subarray(8 + length);
        }
      });
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    if (server === undefined) return;
    server.close();
    await once(server, 'close');
  }
}

const tcpRig = (confirm: 'close' | 'none') => async (): Promise<PublisherRig> => {
  const receiver = new Receiver();
  await receiver.listen();
  const open = (port: number) => tcp.open(TcpSchema.parse({ host: '127.0.0.1', port, confirm, timeout_ms: 2_000 }), context);
  let expected = 0;
  return {
    open: async () => {
      const publisher = await open(receiver.port);
      return {
        ...publisher,
        probe: (signal) => publisher.probe(signal),
        close: () => publisher.close(),
        publish: async (batch, signal) => {
          await publisher.publish(batch, signal);
          expected += batch.items.length;
        },
      };
    },
    arrived: async () => {
      while (receiver.messages.length < expected) await new Promise((resolve) => setImmediate(resolve));
      return receiver.messages.map(arrivedAs);
    },
    leavesOutRepetitions: false,
    fail: () => receiver.close(),
    heal: () => receiver.listen(),
    openNowhere: () => open(1),
    close: () => receiver.close(),
  };
};

async function udpRig(): Promise<PublisherRig> {
  const socket = createSocket('udp4');
  const messages: unknown[] = [];
  let expected = 0;
  socket.on('message', (bytes) => messages.push(unpack(bytes)));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    open: async () => {
      const publisher = await udp.open(UdpSchema.parse({ host: '127.0.0.1', port: socket.address().port }), context);
      return {
        probe: (signal) => publisher.probe(signal),
        close: () => publisher.close(),
        publish: async (batch, signal) => {
          await publisher.publish(batch, signal);
          expected += batch.items.length;
        },
      };
    },
    arrived: async () => {
      while (messages.length < expected) await new Promise((resolve) => setImmediate(resolve));
      return messages.map(arrivedAs);
    },
    leavesOutRepetitions: false,
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

publisherContract('tcp', tcpRig('close'), { refuses: false, fails: true, hasIds: false });
// What was written when the receiver died is lost then: that is what the receipt is for.
publisherContract('tcp, without a receipt', tcpRig('none'), { refuses: false, fails: false, hasIds: false });
publisherContract('udp', udpRig, { refuses: false, fails: false, hasIds: false });

describe('the tcp publisher', () => {
  const batch = makeBatch(
    Array.from({ length: 500 }, (_, i) => sample(`id-${i}`)),
    codec,
    false,
  );

  it('does not take a batch for accepted that the receiver had not read when it died', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pause();
      setImmediate(() => socket.resetAndDestroy());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const publisher = await tcp.open(TcpSchema.parse({ host: '127.0.0.1', port }), context);

    await expect(publisher.publish(batch, never)).rejects.toMatchObject({ class: 'retryable' });
    await publisher.close();
    server.close();
  });

  it('says so when the receiver never closes the connection', async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.resume());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const publisher = await tcp.open(TcpSchema.parse({ host: '127.0.0.1', port, timeout_ms: 100 }), context);

    await expect(publisher.publish(batch, never)).rejects.toMatchObject({ code: 'tcp_timeout' });
    await publisher.close();
    server.close();
  });

  it('sends the neighbours of a number that MessagePack cannot say', async () => {
    const receiver = new Receiver();
    await receiver.listen();
    const publisher = await tcp.open(TcpSchema.parse({ host: '127.0.0.1', port: receiver.port }), context);

    const mixed = makeBatch([sample('a'), sample('b', 2n ** 70n), sample('c')], codec, false);
    const fault = await publisher.publish(mixed, never).catch((error: unknown) => error);

    expect(fault).toBeInstanceOf(PartialFault);
    expect([...(fault as PartialFault).failed.keys()]).toEqual([1]);
    expect(receiver.messages.map((message) => arrivedAs(message).id)).toEqual(['a', 'c']);
    await publisher.close();
    await receiver.close();
  });
});

describe('the udp publisher', () => {
  it('refuses a sample that no datagram carries, and sends its neighbours', async () => {
    const rig = await udpRig();
    const publisher = await rig.open();
    const large = { ...sample('large'), resource_metadata: { text: 'x'.repeat(70_000) } };

    const fault = await publisher.publish(makeBatch([sample('a'), large], codec, false), never).catch((error: unknown) => error);

    expect([...(fault as PartialFault).failed.keys()]).toEqual([1]);
    await publisher.close();
    await rig.close();
  });
});
