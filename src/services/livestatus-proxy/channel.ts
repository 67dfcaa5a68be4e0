import { connect as connectPlain, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Fixed16, fixed16Bytes, parseFixed16 } from '../../core/livestatus/fixed16.ts';
import type { Address } from './settings.ts';

/**
 * What became of bytes that were handed on: nobody needs them where they are any more, or somebody still does, or somebody does and holds so
 * much that the rest must wait until `resume`.
 */
export type Taken = 'taken' | 'kept' | 'full';

/** Who asked hears exactly one of `end` and `fail`, and nothing after it. */
export interface AnswerSink {
  /**
   * `bytes` are the header as the site sent it and what of the body came with it: some, unless there is none. Not called for a relayed
   * connection.
   */
  start(header: Fixed16, bytes: Buffer): Taken;
  body(chunk: Buffer): Taken;
  /**
   * All of the answer has come, its last bytes are yet to be handed on. The channel may be asked again from here: a server that works on the next
   * question meanwhile answers more of them.
   */
  came(): void;
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
 * Each channel reads into memory of its own, which goes through to the client uncopied and is used again. Memory for each piece, what a socket
 * does by itself, makes V8 collect the whole heap again and again: 32 to 98 instead of 24 to 26 us of CPU for an answer of 32 KiB (medians
 * of runs in turns).
 */
const readBytes = 64 * 1024;

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
  /** Where the socket reads into; bytes of a header that is not complete stay at its start. */
  #memory = Buffer.allocUnsafeSlow(readBytes);
  #held = 0;
  #left = 0;
  #answers = 0;
  #error = '';

  constructor(address: Address, watcher: ChannelWatcher, nowMs: number) {
    this.openedAt = nowMs;
    this.#watcher = watcher;
    const onread: OnReadOpts = {
      buffer: () => this.#memory.subarray(this.#held),
      callback: (bytes) => {
        this.#onRead(bytes);
        return true;
      },
    };
    const socket = open(address, { onread });
    this.#socket = socket;
    socket.setNoDelay(true).setKeepAlive(true, 30_000);
    socket.on(address.kind === 'tcp' && address.tls !== null ? 'secureConnect' : 'connect', () => this.#onConnect());
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
    this.#held = 0;
    this.#left = 0;
    this.#state = 'busy';
  }

  #onConnect(): void {
    this.#connected = true;
    if (this.#state === 'connecting') this.#state = 'idle';
  }

  #onRead(bytes: number): void {
    const piece = this.#memory.subarray(0, this.#held + bytes);
    this.#held = 0;
    this.#watcher.heard();
    const sink = this.#sink;
    if (sink === null) this.#gone('closed', 'the site sent bytes that nobody had asked for');
    else if (this.#relaying) {
      this.#begun = true;
      this.#handedOn(sink.body(piece));
    } else if (this.#left > 0) this.#onPart(piece, (part) => sink.body(part));
    else this.#onHeader(piece, sink);
  }

  #onHeader(piece: Buffer, sink: AnswerSink): void {
    if (piece.length < fixed16Bytes) {
      this.#held = piece.length;
      return;
    }
    const header = parseFixed16(piece.toString('latin1', 0, fixed16Bytes));
    if (header === null) {
      const shown = piece.toString('latin1', 0, shownGarbageBytes).replaceAll(/[^\x20-\x7e]/g, '·');
      this.#gone('garbage', `no header but ${JSON.stringify(shown)}`);
      return;
    }
    this.#begun = true;
    if (piece.length === fixed16Bytes && header.length > 0) {
      // Icinga writes the header apart. Nobody can use it alone, and handing it on would wake the client twice.
      this.#held = piece.length;
      return;
    }
    this.#left = fixed16Bytes + header.length;
    this.#onPart(piece, (part) => sink.start(header, part));
  }

  #onPart(piece: Buffer, give: (part: Buffer) => Taken): void {
    const part = piece.length > this.#left ? piece.subarray(0, this.#left) : piece;
    this.#left -= part.length;
    if (this.#left > 0) this.#handedOn(give(part));
    else this.#finish(part, piece.length - part.length, give);
  }

  #handedOn(taken: Taken): void {
    if (taken !== 'taken') this.#memory = Buffer.allocUnsafeSlow(readBytes);
    // The sink may have closed us.
    if (taken === 'full' && this.#state === 'busy') this.#socket.pause();
  }

  #finish(last: Buffer, excess: number, give: (part: Buffer) => Taken): void {
    const sink = this.#sink;
    this.#sink = null;
    this.#answers += 1;
    this.#state = 'idle';
    if (excess > 0) this.#gone('closed', `the site sent ${excess} bytes more than announced`);
    sink?.came();
    // We may have the next question by now, whose answer must not be read over these bytes, and need not wait for this client.
    if (give(last) !== 'taken') this.#memory = Buffer.allocUnsafeSlow(readBytes);
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

function open(address: Address, reading: { readonly onread: OnReadOpts }): Socket {
  if (address.kind === 'unix') return connectPlain({ path: address.path, ...reading });
  const { host, port, tls } = address;
  if (tls === null) return connectPlain({ host, port, ...reading });
  return connectTls({ host, port, ...reading, ...tls, ...(tls.servername === undefined ? { servername: host } : {}) });
}
