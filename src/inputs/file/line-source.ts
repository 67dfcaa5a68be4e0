import type { Line } from '../../lib/line-framing.ts';
import type { Position } from './position.ts';

export interface SourceLine {
  readonly body: Uint8Array;
  readonly number: number;
  /** Where to go on after this line; `undefined` where the source cannot be read again. */
  readonly position: Position | undefined;
}

export interface LineSource {
  /** The next lines, waiting for them; none: the end. Rejects with the signal's reason. */
  read(signal: AbortSignal): Promise<readonly SourceLine[]>;
  close(): Promise<void>;
}

/** A cut line must never decode, even if its beginning happens to be whole JSON: the mark spoils it and tells the reader why. */
export function bodyOf(line: Line, maxBytes: number): Uint8Array {
  return line.cut ? Buffer.concat([line.bytes, Buffer.from(` [cut: the line is longer than ${maxBytes} bytes]`)]) : line.bytes;
}
