import type { Commit } from '../partition-store.ts';

/**
 * One commit in the state log: a line of JSON that says what follows, then the values one after the other.
 *
 * Values are cut out by their byte lengths, not parsed: a value restored as a slice of the whole record would keep the record in
 * memory, and text inside JSON text would be escaped twice.
 */
interface Head {
  readonly cursor: string;
  readonly keys: readonly string[];
  readonly bytes: readonly number[];
  readonly del: readonly string[];
}

const newline = 10;

export function encodeRecord(commit: Pick<Commit, 'set' | 'del' | 'rolling' | 'cursor'>): Uint8Array {
  const keys: string[] = [];
  const bytes: number[] = [];
  let body = '';
  for (const pairs of [commit.rolling, commit.set]) {
    for (const [key, value] of pairs) {
      keys.push(key);
      bytes.push(Buffer.byteLength(value));
      body += value;
    }
  }
  const head: Head = { cursor: commit.cursor, keys, bytes, del: commit.del };
  return Buffer.from(`${JSON.stringify(head)}\n${body}`);
}

export interface LogRecord {
  readonly cursor: string;
  /** In the order to apply; `null` is a deletion. */
  readonly changes: readonly (readonly [key: string, value: string | null])[];
}

export function decodeRecord(record: Uint8Array): LogRecord {
  const buffer = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  const end = buffer.indexOf(newline);
  const head = JSON.parse(buffer.toString('utf8', 0, end)) as Head;
  const changes: (readonly [string, string | null])[] = [];
  let at = end + 1;
  head.keys.forEach((key, index) => {
    const next = at + (head.bytes[index] ?? 0);
    changes.push([key, buffer.toString('utf8', at, next)]);
    at = next;
  });
  for (const key of head.del) changes.push([key, null]);
  return { cursor: head.cursor, changes };
}
