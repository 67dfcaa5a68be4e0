import { Fault } from '../../model/faults.ts';

/**
 * RELP, version 0 of its wire (librelp): `TXNR SP COMMAND SP LENGTH [SP DATA] LF`. Who opens the connection sends; the other side
 * answers each transaction with `rsp`, `200 OK` or an error. There is no sign of life.
 */
export interface RelpFrame {
  readonly transaction: number;
  readonly command: string;
  readonly data: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const blank = 32;
const newline = 10;
const mostHeadBytes = 64;
const smallestBuffer = 16 * 1024;

export const relpOffers = 'relp_version=0\nrelp_software=ceilograph\ncommands=syslog';

export function relpFrame(transaction: number, command: string, data: Uint8Array | string = ''): Uint8Array {
  const body = typeof data === 'string' ? encoder.encode(data) : data;
  const head = encoder.encode(`${transaction} ${command} ${body.length}${body.length === 0 ? '' : ' '}`);
  const frame = new Uint8Array(head.length + body.length + 1);
  frame.set(head);
  frame.set(body, head.length);
  frame[frame.length - 1] = newline;
  return frame;
}

/** A whole frame, as `RelpFraming` cuts them. */
export function readRelpFrame(frame: Uint8Array): RelpFrame {
  const head = readHead(frame, 0, frame.length);
  if (head === undefined) throw badRelp('a frame without its length');
  return { transaction: head.transaction, command: head.command, data: frame.subarray(head.bytes, head.bytes + head.length) };
}

/** Cuts a byte stream into frames. Throws a poison Fault `bad_frame` or `frame_too_large`; the stream cannot go on after it. */
export class RelpFraming {
  readonly #maxBytes: number;
  #bytes = new Uint8Array(smallestBuffer);
  #start = 0;
  #end = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#end - this.#start;
  }

  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) {
      const held = this.heldBytes;
      const bytes = new Uint8Array(Math.max(smallestBuffer, (held + chunk.length) * 2));
      bytes.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = bytes;
      this.#start = 0;
      this.#end = held;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  next(): Uint8Array | undefined {
    const head = readHead(this.#bytes, this.#start, this.#end);
    if (head === undefined) return undefined;
    if (head.length > this.#maxBytes)
      throw new Fault('poison', 'frame_too_large', `a frame of ${head.length} bytes, at most ${this.#maxBytes} are taken`);
    const end = this.#start + head.bytes + head.length;
    if (end + 1 > this.#end) return undefined;
    if (this.#bytes[end] !== newline) throw badRelp('a frame does not end where it says');
    const frame = this.#bytes.slice(this.#start, end + 1);
    this.#start = end + 1;
    return frame;
  }
}

interface Head {
  readonly transaction: number;
  readonly command: string;
  readonly length: number;
  /** Of the head, the blank before the data included. */
  readonly bytes: number;
}

/** `undefined`: more bytes are needed. */
function readHead(bytes: Uint8Array, from: number, to: number): Head | undefined {
  let blanks = 0;
  for (let at = from; at < to; at++) {
    if (at - from > mostHeadBytes) throw badRelp('a head that does not end');
    const byte = bytes[at];
    if (byte === blank) blanks += 1;
    if (blanks < 3 && !(blanks === 2 && byte === newline)) continue;
    const found = /^(\d{1,9}) ([A-Za-z]{1,32}) (\d{1,9})$/.exec(decoder.decode(bytes.subarray(from, at)));
    if (found === null) throw badRelp('a head that is none');
    const length = Number(found[3]);
    // Without data there is no blank: the newline follows the length at once.
    if ((byte === newline) !== (length === 0)) throw badRelp('a length that is not kept');
    return { transaction: Number(found[1]), command: found[2] as string, length, bytes: at - from + (length === 0 ? 0 : 1) };
  }
  if (to - from > mostHeadBytes) throw badRelp('a head that does not end');
  return undefined;
}

function badRelp(message: string): Fault {
  return new Fault('poison', 'bad_frame', message);
}
