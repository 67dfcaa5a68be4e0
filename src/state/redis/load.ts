import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LeaseToken } from '../../coordination/group.ts';
import { type Reply, str } from '../../lib/redis-reply.ts';
import type { OutboxEntry, StateChunk } from '../partition-store.ts';
import type { GuardedRedis, Piece } from './guarded-redis.ts';
import { readBlobs, readList } from './pieces.ts';
import type { UnitKeys } from './unit-keys.ts';

/** Every page is a round trip, and on a machine that is busy each waits for its turn: with 1,000 keys a page, 100,000 keys took 3.5 s there. */
const keysPerPage = 4_000;
const keysPerChunk = 1_000;
const elementsPerPage = 1_000;
/** Blobs are up to a megabyte each; so many bytes are asked for at once. */
const bytesPerCall = 1 << 20;

/** Every state, in chunks of at most `keysPerChunk`, each in a turn of its own; a key may come twice, with the same value. */
export async function scanState(redis: GuardedRedis, keys: UnitKeys, onState: (chunk: StateChunk) => void): Promise<void> {
  let coming = redis.scan(keys.state, '0', keysPerPage);
  for (;;) {
    const { cursor: next, page } = await coming;
    // While we take this page up, Redis looks for the next.
    if (next !== '0') {
      coming = redis.scan(keys.state, next, keysPerPage);
      coming.catch(() => undefined); // awaited above, unless what we have does not load
    }
    // Redis gives more than asked for when it must.
    for (let start = 0; start < page.length; start += 2 * keysPerChunk) {
      const chunk: (readonly [string, string])[] = [];
      const end = Math.min(page.length, start + 2 * keysPerChunk);
      for (let i = start; i < end; i += 2) chunk.push([page[i] ?? '', page[i + 1] ?? '']);
      onState(chunk);
      await nextTurn();
    }
    if (next === '0') return;
  }
}

/** Null: fenced. In the order of publishing. */
export async function readOutbox(
  redis: GuardedRedis,
  token: LeaseToken,
  keys: UnitKeys,
  groups: readonly string[],
): Promise<readonly OutboxEntry[] | null> {
  const waiting: { readonly version: number; readonly group: string; readonly items: number; readonly bytes: number }[] = [];
  for (const group of groups) {
    const queue = await readAll(redis, token, keys.queue(group));
    if (queue === null) return null;
    for (const element of queue) {
      const [version = 0, items = 0, bytes = 0] = element.split(':').map(Number);
      waiting.push({ version, group, items, bytes });
    }
  }
  waiting.sort((a, b) => a.version - b.version);
  const entries: OutboxEntry[] = [];
  while (entries.length < waiting.length) {
    let bytes = 0;
    const some = waiting.slice(entries.length, entries.length + 100).filter((blob, index) => {
      bytes += blob.bytes;
      return index === 0 || bytes <= bytesPerCall;
    });
    const fields = some.map(({ version, group }) => `${version}:${group}`);
    const texts = await read(redis, token, readBlobs, keys.outbox, fields);
    if (texts === null) return null;
    for (const [index, { version, group, items }] of some.entries())
      entries.push({ version, group, items, text: str(texts[index]) });
  }
  return entries;
}

/** Null: fenced. In the order in which they were appended, over all slices. */
export async function readIds(
  redis: GuardedRedis,
  token: LeaseToken,
  keys: UnitKeys,
  slices: readonly number[],
): Promise<readonly (readonly [slice: number, text: string])[] | null> {
  const rows: { readonly version: number; readonly slice: number; readonly text: string }[] = [];
  for (const slice of slices) {
    const elements = await readAll(redis, token, keys.ids(slice));
    if (elements === null) return null;
    for (const element of elements) {
      const colon = element.indexOf(':');
      rows.push({ version: Number(element.slice(0, colon)), slice, text: element.slice(colon + 1) });
    }
  }
  return rows.sort((a, b) => a.version - b.version).map(({ slice, text }) => [slice, text]);
}

async function readAll(redis: GuardedRedis, token: LeaseToken, key: string): Promise<readonly string[] | null> {
  const all: string[] = [];
  for (let start = 0; ; start += elementsPerPage) {
    const page = await read(redis, token, readList, key, [start, start + elementsPerPage - 1]);
    if (page === null) return null;
    for (const element of page) all.push(str(element));
    if (page.length < elementsPerPage) return all;
  }
}

async function read(
  redis: GuardedRedis,
  token: LeaseToken,
  piece: Piece,
  key: string,
  args: readonly (string | number)[],
): Promise<readonly Reply[] | null> {
  const reply = await redis.effect(piece, token, [key], args);
  return reply === null ? null : (reply[1] as readonly Reply[]);
}
