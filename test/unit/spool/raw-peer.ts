import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { packEntry } from '../../../src/core/spool/entry.ts';
import { ackMessage, eventsMessage, readForwardMessage } from '../../../src/core/spool/forward-message.ts';
import { FrameReader } from '../../../src/core/spool/frame-reader.ts';
import { answerHelo, answerPing, challenge } from '../../../src/services/spooler/handshake.ts';
import { entryOf, until } from './rig.ts';

type Message = ReturnType<typeof readForwardMessage>;

/** The other side of a connection, frame by frame: it does what a test says and nothing by itself. */
export class RawPeer {
  readonly socket: Socket;
  readonly messages: Message[] = [];
  readonly heard: Buffer[] = [];
  closed = false;
  readonly #reader = new FrameReader({ maxBytes: 64 * 1024 * 1024, maxDepth: 64 });

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.heard.push(chunk);
      try {
        this.#reader.push(chunk);
        for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next())
          this.messages.push(readForwardMessage(frame));
      } catch {
        socket.pause(); // not our protocol; what came is in `heard`
      }
    });
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('error', () => undefined); // told by `closed`
  }

  static async dial(port: number, host = '127.0.0.1'): Promise<RawPeer> {
    const socket = connect(port, host);
    await once(socket, 'connect');
    return new RawPeer(socket);
  }

  async next<K extends Message['kind']>(kind: K): Promise<Extract<Message, { kind: K }>> {
    const found = await until(() => this.messages.find((each) => each.kind === kind));
    this.messages.splice(this.messages.indexOf(found), 1);
    return found as Extract<Message, { kind: K }>;
  }

  /** Proves itself to a sink. */
  async asSource(site: string, key = 'secret'): Promise<this> {
    const helo = await this.next('helo');
    this.socket.write(answerHelo(helo.values, site, key).ping);
    return this;
  }

  /** Takes a source in. */
  async asSink(site: string, key = 'secret'): Promise<this> {
    const { nonce, helo } = challenge();
    this.socket.write(helo);
    const ping = await this.next('ping');
    this.socket.write(answerPing(ping.values, nonce, site, key).pong);
    return this;
  }

  send(chunk: string, ...uuids: readonly string[]): void {
    this.socket.write(
      eventsMessage(
        'ceilograph',
        uuids.map((uuid) => packEntry(entryOf(uuid))),
        chunk,
      ),
    );
  }

  acknowledge(chunk: string): void {
    this.socket.write(ackMessage(chunk));
  }

  ended(): Promise<boolean> {
    return until(() => this.closed);
  }
}

/** Listens, and hands out who dials. */
export class RawListener {
  readonly peers: RawPeer[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.peers.push(new RawPeer(socket)));
  }

  static async listen(): Promise<RawListener> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RawListener(server);
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  peer(index: number): Promise<RawPeer> {
    return until(() => this.peers[index]);
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
