import { randomUUID } from 'node:crypto';
import type { LeaseToken } from '../../coordination/group.ts';
import { num, type Reply, str } from '../../lib/redis-reply.ts';
import type { Guarded, Reseeded, WholePartition } from '../partition-store.ts';
import type { GuardedRedis, Piece } from './guarded-redis.ts';
import { type UnitKeys, unitKeys } from './unit-keys.ts';

const fenced = { kind: 'fenced' } as const;
const keysPerCall = 1_000;

/**
 * Writes a whole partition back, in pieces behind the guard. From the first to the last of them the partition has no version, so that
 * nobody takes the half of it for the whole: a writer that dies in between is followed by one who begins again.
 */
export async function reseed(redis: GuardedRedis, token: LeaseToken, whole: WholePartition): Promise<Reseeded> {
  const keys = unitKeys(redis, token.unit);
  const seed = randomUUID();
  const begun = await begin(redis, token, keys, whole.version, seed);
  if (begun === null) return fenced;
  if (begun[0] === 'NEWER') return { kind: 'newer', version: num(begun[1]) };
  const write = async (piece: Piece, more: readonly string[], args: readonly (string | number)[]) => {
    const reply = await redis.effect(piece, token, [keys.head, ...more], [seed, ...args]);
    return reply !== null && reply[0] === 'OK';
  };
  for (const pairs of pages(whole.states)) if (!(await write(addStates, [keys.state], pairs))) return fenced;
  for (const { group, version, items, text } of whole.outbox) {
    const more = [keys.outbox, keys.groups, keys.queue(group)];
    if (!(await write(addBlob, more, [group, version, items, Buffer.byteLength(text), text]))) return fenced;
  }
  // Numbered from below, so that they stand before whatever a later commit appends.
  for (const [index, [slice, text]] of whole.ids.entries())
    if (!(await write(addIds, [keys.slices, keys.ids(slice)], [slice, index - whole.ids.length, text]))) return fenced;
  const head = [whole.version, whole.lastCommitId, whole.cursor === null ? '0' : '1', whole.cursor ?? ''];
  return (await write(finish, [], head)) ? { kind: 'ok' } : fenced;
}

/** Everything in one script: there is no half of a dropped partition. */
export async function drop(redis: GuardedRedis, token: LeaseToken): Promise<Guarded<null>> {
  const all = await allKeys(redis, token, unitKeys(redis, token.unit));
  if (all === null || (await redis.effect(dropAll, token, all, [])) === null) return fenced;
  return { kind: 'ok', value: null };
}

/** What stands there is of a lower version, or the remains of an unfinished writing back. */
async function begin(redis: GuardedRedis, token: LeaseToken, keys: UnitKeys, version: number, seed: string) {
  const all = await allKeys(redis, token, keys);
  return all === null ? null : redis.effect(beginSeed, token, all, [version, seed]);
}

async function allKeys(redis: GuardedRedis, token: LeaseToken, keys: UnitKeys): Promise<readonly string[] | null> {
  const stands = await redis.effect(readRemains, token, [keys.groups, keys.slices], []);
  if (stands === null) return null;
  const [groups, slices] = [stands[1], stands[2]] as readonly (readonly Reply[])[];
  const lists = [
    ...(groups ?? []).map((group) => keys.queue(str(group))),
    ...(slices ?? []).map((slice) => keys.ids(num(slice))),
  ];
  return [keys.head, keys.state, keys.outbox, keys.groups, keys.slices, ...lists];
}

function* pages(states: WholePartition['states']): Iterable<readonly string[]> {
  let page: string[] = [];
  for (const [key, value] of states) {
    page.push(key, value);
    if (page.length < 2 * keysPerCall) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

const readRemains: Piece = {
  name: 'read-remains',
  lua: `
local function fields(key) local all, out = redis.call('HGETALL',key), {}; for i = 1,#all,2 do out[#out+1] = all[i] end; return out end
return {'OK',fields(KEYS[3]),fields(KEYS[4])}`,
};

/** KEYS head, then all that belongs to the partition; ARGV[7] version, [8] seed. */
const beginSeed: Piece = {
  name: 'begin-seed',
  lua: `
local ver = redis.call('HGET',KEYS[3],'ver')
if ver and tonumber(ver) >= tonumber(ARGV[7]) then return {'NEWER',tonumber(ver)} end
for i = 3,#KEYS do redis.call('UNLINK',KEYS[i]) end
redis.call('HSET',KEYS[3],'seeding',ARGV[8])
return {'OK'}`,
};

/** KEYS all that belongs to the partition. */
const dropAll: Piece = {
  name: 'drop',
  lua: `
for i = 3,#KEYS do redis.call('UNLINK',KEYS[i]) end
return {'OK'}`,
};

// Another writer began since, under the same lease: this one is over.
const stillOurs = `if redis.call('HGET',KEYS[3],'seeding') ~= ARGV[7] then return {'GONE'} end\n`;

/** KEYS head, state; ARGV[8] key, value… */
const addStates: Piece = {
  name: 'add-states',
  lua: `${stillOurs}
for at = 8,#ARGV,200 do redis.call('HSET',KEYS[4],unpack(ARGV,at,math.min(at+199,#ARGV))) end
return {'OK'}`,
};

/** KEYS head, outbox, groups, queue; ARGV[8] group, version, items, bytes, text. */
const addBlob: Piece = {
  name: 'add-blob',
  lua: `${stillOurs}
redis.call('HSET',KEYS[4],ARGV[9]..':'..ARGV[8],ARGV[12])
redis.call('RPUSH',KEYS[6],ARGV[9]..':'..ARGV[10]..':'..ARGV[11])
local n, b = string.match(redis.call('HGET',KEYS[5],ARGV[8]) or '0:0','^(%d+):(%d+)$')
redis.call('HSET',KEYS[5],ARGV[8],string.format('%.0f:%.0f',n+ARGV[10],b+ARGV[11]))
return {'OK'}`,
};

/** KEYS head, slices, ids; ARGV[8] slice, number, text. */
const addIds: Piece = {
  name: 'add-ids',
  lua: `${stillOurs}
redis.call('RPUSH',KEYS[5],ARGV[9]..':'..ARGV[10])
redis.call('HSET',KEYS[4],ARGV[8],'1')
return {'OK'}`,
};

/** KEYS head; ARGV[8] version, commit id, has a cursor, cursor. */
const finish: Piece = {
  name: 'finish-seed',
  lua: `${stillOurs}
redis.call('HDEL',KEYS[3],'seeding')
redis.call('HSET',KEYS[3],'ver',ARGV[8],'last',ARGV[9],'starts','0')
if ARGV[10] == '1' then redis.call('HSET',KEYS[3],'cursor',ARGV[11]) end
return {'OK'}`,
};
