import { sizeOf, type TextPiece } from '../../lib/text-pieces.ts';
import { quoteJson } from '../../model/json-text.ts';

export interface OsloNotification {
  /** Stable over retries: oslo.messaging skips a `_unique_id` among the last 16 it acknowledged. */
  readonly id: string;
  readonly publisherId: string;
  readonly eventType: string;
  /** Signed messages, each a JSON text of one line with its newline. */
  readonly payload: readonly TextPiece[];
  readonly now: number;
}

/**
 * An oslo.messaging notification (envelope 2.0) at priority `sample`, whose payload is the list, as UTF-8: what Ceilometer's `notifier://` sends. The
 * messages are quoted byte by byte into the place where they are sent from: made with texts it takes seven copies of them and three times as long.
 */
export function toOsloNotification({ id, publisherId, eventType, payload, now }: OsloNotification): Buffer {
  const head = `{"message_id":${quoteJson(id)},"publisher_id":${quoteJson(publisherId)},"event_type":${quoteJson(eventType)},"priority":"SAMPLE","payload":[`;
  const tail = `],"timestamp":"${osloTimestamp(now)}","_unique_id":"${id.replaceAll('-', '')}"}`;
  const before = Buffer.from(`{"oslo.version":"2.0","oslo.message":${quoteJson(head).slice(0, -1)}`);
  const after = Buffer.from(`${quoteJson(tail).slice(1)}}`);
  const lines = payload.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece));
  const bytes = Buffer.allocUnsafe(before.length + 2 * sizeOf(lines) + after.length);
  let at = before.copy(bytes);
  for (const piece of lines) at = quoteLines(piece, bytes, at);
  at -= 1; // the comma after the last
  return bytes.subarray(0, at + after.copy(bytes, at));
}

const [newline, comma, quote, backslash] = [0x0a, 0x2c, 0x22, 0x5c];

/** Lines of JSON as they stand within a quoted text, a comma after each: what else would have to be escaped no JSON text holds. */
function quoteLines(lines: Uint8Array, into: Uint8Array, start: number): number {
  let at = start;
  for (let i = 0; i < lines.length; i++) {
    const byte = lines[i] as number;
    if (byte === quote || byte === backslash) into[at++] = backslash;
    into[at++] = byte === newline ? comma : byte;
  }
  return at;
}

/** Naive UTC with microseconds and a space. */
function osloTimestamp(now: number): string {
  return new Date(now).toISOString().replace('T', ' ').replace('Z', '000');
}
