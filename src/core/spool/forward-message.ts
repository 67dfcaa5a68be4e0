import { badFrame, isPackedMap, type Packed, type PackedMap } from '../../model/msgpack-value.ts';
import { MsgpackWriter, pack } from '../../model/msgpack-writer.ts';
import { MsgpackReader } from './msgpack-reader.ts';

/**
 * The messages of Fluent's Forward protocol v1 (its specification v1.5). The one who sends events is its client, the one who
 * takes them its server, whoever opened the connection.
 *
 * | message                            | from   |
 * |------------------------------------|--------|
 * | `["HELO", {nonce, auth, keepalive}]` | server |
 * | `["PING", host, salt, digest, user, password digest]` | client |
 * | `["PONG", taken, reason, host, digest]` | server |
 * | `[tag, time, record, options?]`, `[tag, [[time, record]…], options?]`, `[tag, bin, options?]` (plain or gzip) | client |
 * | `nil`, a sign of life              | client |
 * | `{"ack": chunk}`                   | server |
 */
export type ForwardMessage =
  | { readonly kind: 'life' }
  | { readonly kind: 'helo'; readonly values: readonly Packed[] }
  | { readonly kind: 'ping'; readonly values: readonly Packed[] }
  | { readonly kind: 'pong'; readonly values: readonly Packed[] }
  | { readonly kind: 'ack'; readonly chunk: string }
  | { readonly kind: 'events'; readonly tag: string; readonly entries: readonly Uint8Array[]; readonly chunk: string | undefined }
  | {
      readonly kind: 'packed';
      readonly tag: string;
      readonly bytes: Uint8Array;
      readonly gzip: boolean;
      readonly chunk: string | undefined;
    };

/** What we send so that the other side knows that we live: no entry, but a chunk, so that its answer says that it lives too. */
export const heartbeatTag = 'ceilograph.hb';

/** Throws a poison Fault `bad_frame` for what is none of them. */
export function readForwardMessage(frame: Uint8Array): ForwardMessage {
  if (frame[0] === 0xc0 && frame.length === 1) return { kind: 'life' };
  const reader = new MsgpackReader(frame);
  if (reader.isMap()) return readAck(reader.value());
  const length = reader.arrayLength();
  if (length < 1) throw badFrame('an empty array');
  const tag = reader.value();
  if (typeof tag !== 'string') throw badFrame('the first value of a message is no text');
  const handshake = handshakes.get(tag);
  if (handshake !== undefined) {
    const values: Packed[] = [];
    for (let i = 1; i < length; i++) values.push(reader.value());
    return { kind: handshake, values };
  }
  if (length < 2) throw badFrame('a message of events without events');
  return readEvents(reader, frame, tag, length);
}

const handshakes: ReadonlyMap<string, 'helo' | 'ping' | 'pong'> = new Map([
  ['HELO', 'helo'],
  ['PING', 'ping'],
  ['PONG', 'pong'],
]);

function readAck(value: Packed): ForwardMessage {
  const chunk = isPackedMap(value) ? value['ack'] : undefined;
  if (typeof chunk !== 'string') throw badFrame('a map that acknowledges nothing');
  return { kind: 'ack', chunk };
}

function readEvents(reader: MsgpackReader, frame: Uint8Array, tag: string, length: number): ForwardMessage {
  if (reader.isArray()) {
    const count = reader.arrayLength();
    const entries: Uint8Array[] = [];
    for (let i = 0; i < count; i++) entries.push(reader.skip());
    return { kind: 'events', tag, entries, chunk: chunkOf(optionsAt(reader, length, 2)) };
  }
  const start = reader.at;
  const second = reader.value();
  if (second instanceof Uint8Array || typeof second === 'string') {
    const options = optionsAt(reader, length, 2);
    const bytes = typeof second === 'string' ? new TextEncoder().encode(second) : second;
    return { kind: 'packed', tag, bytes, gzip: options?.['compressed'] === 'gzip', chunk: chunkOf(options) };
  }
  if (length < 3) throw badFrame('an event without a record');
  reader.skip();
  const entry = new MsgpackWriter(reader.at - start + 1).array(2).raw(frame.subarray(start, reader.at)).take();
  return { kind: 'events', tag, entries: [entry], chunk: chunkOf(optionsAt(reader, length, 3)) };
}

function optionsAt(reader: MsgpackReader, length: number, index: number): PackedMap | undefined {
  if (length <= index) return undefined;
  const options = reader.value();
  return isPackedMap(options) ? options : undefined;
}

function chunkOf(options: PackedMap | undefined): string | undefined {
  const chunk = options?.['chunk'];
  return typeof chunk === 'string' && chunk !== '' ? chunk : undefined;
}

/** The entries inside a packed message, once it is unpacked. */
export function readPackedEntries(bytes: Uint8Array): readonly Uint8Array[] {
  const reader = new MsgpackReader(bytes);
  const entries: Uint8Array[] = [];
  while (!reader.atEnd) entries.push(reader.skip());
  return entries;
}

export function eventsMessage(tag: string, entries: readonly Uint8Array[], chunk: string): Uint8Array {
  const bytes = entries.reduce((sum, entry) => sum + entry.length, 256);
  const writer = new MsgpackWriter(bytes).array(3).text(tag).array(entries.length);
  for (const entry of entries) writer.raw(entry);
  return writer.value({ chunk, size: entries.length }).take();
}

/** `gzipped`: the entries behind one another, compressed. */
export function gzippedMessage(tag: string, gzipped: Uint8Array, size: number, chunk: string): Uint8Array {
  return new MsgpackWriter(gzipped.length + 256)
    .array(3)
    .text(tag)
    .bin(gzipped)
    .value({ chunk, size, compressed: 'gzip' })
    .take();
}

export function ackMessage(chunk: string): Uint8Array {
  return pack({ ack: chunk });
}
