import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Fixed16, fixed16Bytes, parseFixed16 } from '../../core/livestatus/fixed16.ts';
import type { Address } from './settings.ts';

/** Who asked hears exactly one of `end` and `fail`, and nothing after it. */
export interface AnswerSink {
  /**
   * `bytes` are the header as the site sent it and what of the body came with it: some, unless there is none. Not called for a relayed
   * connection. False: hold the rest until `resume` is called.
   */
  start(header: Fixed16, bytes: Buffer): boolean;
  /** Like `start`. */
  body(chunk: Buffer): boolean;
  end(): void;
  fail(failure: ChannelFailure): void;
}

export interface ChannelFailure {
  /** `connect`: nothing was sent. `closed`: without an answer or in the middle of it. `garbage`: bytes that are no header. */
  readonly kind: 'connect' | 'closed' | 'garbage' | 'dropped';
  readonly detail: string;
  /** Bytes of the answer had come. */
  readonly begun: boolean;
  /** The connection had answered before: it may have been closed by the site at the moment of the question. */
  readonly used: boolean;
}

export interface ChannelWatcher {
  /** Bytes came: the site lives. */
  heard(): void;
  /** It is gone for good, for whatever reason. */
  closed(channel: Channel): void;
}

const shownGarbageBytes = 200;

/**
 * One connection to a site, used for one question at a time.
 *
 * States: `connecting` → `idle` ⇄ `busy` → `closed`. A question may be asked while connecting. Every end but that of an answer of the
 * announced length makes it `closed`: what follows on the wire would belong to nobody.
 */
export class Channel {
  readonly openedAt: number;
  readonly #socket: Socket;
  readonly #watcher: ChannelWatcher;
  #state: 'connecting' | 'idle' | 'busy' | 'closed' = 'connecting';
  #connected = false;
  #sink: AnswerSink | null = null;
  #relaying = false;
  #begun = false;
  #head: Buffer | null = null;
  #left = 0;
  #answers = 0;
  #error = '';

  constructor(address: Address, watcher: ChannelWatcher, nowMs: number) {
    this.openedAt = nowMs;
    this.#watcher = watcher;
    const socket = open(address);
    this.#socket = socket;
    socket.setNoDelay(true).setKeepAlive(true, 30_000);
    socket.on(address.kind === 'tcp' && address.tls !== null ? 'secureConnect' : 'connect', () => this.#onConnect());
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => {
      this.#error = error.message;
    });
    socket.on('close', () => this.#gone(this.#connected ? 'closed' : 'connect', this.#error));
  }

  get state(): 'connecting' | 'idle' | 'busy' | 'closed' {
    return this.#state;
  }

  get answers(): number {
    return this.#answers;
  }

  /** Asks and gives the answer to the sink, framed by its header. Only when nothing else is being asked. */
  ask(bytes: string, sink: AnswerSink): void {
    this.#begin(sink, false);
    this.#socket.write(bytes, 'latin1');
  }

  /** Sends the bytes, closes our half, and hands on whatever comes until the site closes its own. */
  relay(bytes: string, sink: AnswerSink): void {
    this.#begin(sink, true);
    this.#socket.end(bytes, 'latin1');
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Who asks hears `dropped`. */
  close(detail: string): void {
    this.#gone('dropped', detail);
  }

  #begin(sink: AnswerSink, relaying: boolean): void {
    this.#sink = sink;
    this.#relaying = relaying;
    this.#begun = false;
    this.#head = null;
    this.#left = 0;
    this.#state = 'busy';
  }

  #onConnect(): void {
    this.#connected = true;
    if (this.#state === 'connecting') this.#state = 'idle';
  }

  #onData(chunk: Buffer): void {
    this.#watcher.heard();
    if (this.#sink === null) {
      this.#gone('closed', 'the site sent bytes that nobody had asked for');
      return;
    }
    if (this.#relaying) {
      this.#begun = true;
      if (!this.#sink.body(chunk)) this.#socket.pause();
      return;
    }
    if (this.#left > 0) {
      this.#onPart(chunk, (sink, part) => sink.body(part));
      return;
    }
    const head = this.#head === null ? chunk : Buffer.concat([this.#head, chunk]);
    if (head.length < fixed16Bytes) {
      this.#head = head;
      return;
    }
    const header = parseFixed16(head.toString('latin1', 0, fixed16Bytes));
    if (header === null) {
      const shown = head
        .subarray(0, shownGarbageBytes)
        .toString('latin1')
        .replaceAll(/[^\x20-\x7e]/g, '·');
      this.#gone('garbage', `no header but ${JSON.stringify(shown)}`);
      return;
    }
    this.#begun = true;
    if (head.length === fixed16Bytes && header.length > 0) {
      // Icinga writes the header apart. Nobody can use it alone, and handing it on would wake the client twice.
      this.#head = head;
      return;
    }
    this.#left = fixed16Bytes + header.length;
    this.#onPart(head, (sink, part) => sink.start(header, part));
  }

  #onPart(chunk: Buffer, give: (sink: AnswerSink, part: Buffer) => boolean): void {
    const part = chunk.length > this.#left ? chunk.subarray(0, this.#left) : chunk;
    this.#left -= part.length;
    const more = this.#sink === null || give(this.#sink, part);
    // The sink may have closed us.
    if (this.#state !== 'busy') return;
    if (this.#left === 0) this.#finish(chunk.length - part.length);
    else if (!more) this.#socket.pause();
  }

  #finish(excess: number): void {
    const sink = this.#sink;
    this.#sink = null;
    this.#head = null;
    this.#answers += 1;
    this.#state = 'idle';
    if (excess > 0) this.#gone('closed', `the site sent ${excess} bytes more than announced`);
    sink?.end();
  }

  #onEnd(): void {
    if (!this.#relaying || this.#sink === null) return;
    const sink = this.#sink;
    this.#sink = null;
    this.#gone('closed', '');
    sink.end();
  }

  #gone(kind: ChannelFailure['kind'], detail: string): void {
    if (this.#state === 'closed') return;
    const sink = this.#sink;
    this.#state = 'closed';
    this.#sink = null;
    this.#socket.destroy();
    this.#watcher.closed(this);
    sink?.fail({
      kind,
      detail: detail === '' ? 'the site closed the connection' : detail,
      begun: this.#begun,
      used: this.#answers > 0,
    });
  }
}

function open(address: Address): Socket {
  if (address.kind === 'unix') return connectPlain({ path: address.path });
  const { host, port, tls } = address;
  if (tls === null) return connectPlain({ host, port });
  return connectTls({ host, port, ...tls, ...(tls.servername === undefined ? { servername: host } : {}) });
}
