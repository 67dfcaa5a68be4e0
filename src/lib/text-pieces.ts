// The global is a getter, which is too dear for every few notifications.
import { Buffer } from 'node:buffer';

/** A text in pieces: strings, or UTF-8 where they have to wait, since bytes lie outside of the heap that is collected. */
export type TextPiece = string | Uint8Array;

/** All of it as one text. */
export function joinText(texts: readonly TextPiece[]): string {
  return texts.map((text) => (typeof text === 'string' ? text : toBuffer(text).toString())).join('');
}

/** All of it in UTF-8, in memory of its own or in the one piece there is. */
export function joinBytes(texts: readonly TextPiece[]): Uint8Array {
  const [first] = texts;
  if (texts.length === 1 && first !== undefined && typeof first !== 'string') return first;
  const length = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const text of texts) {
    if (typeof text === 'string') at += bytes.write(text, at);
    else {
      bytes.set(text, at);
      at += text.length;
    }
  }
  return bytes;
}

/** The system takes so many pieces of memory at a time, and joining a few kilobytes costs less than one more of them. */
const mostAtOnce = 512;

/** In UTF-8, to be written in one call: as they are where they are bytes already, since joining copies all of it. */
export function toVector(texts: readonly TextPiece[]): readonly Uint8Array[] {
  const asTheyAre = texts.length <= mostAtOnce && texts.every((text): text is Uint8Array => typeof text !== 'string');
  return asTheyAre ? texts : [joinBytes(texts)];
}

/** So many characters or bytes: near enough for bounds and figures. */
export function sizeOf(texts: readonly TextPiece[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
