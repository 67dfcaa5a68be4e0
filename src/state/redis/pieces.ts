import type { Piece } from './guarded-redis.ts';

// Behind the guard: KEYS[3] on, ARGV[7] on. `unpack` in chunks: 8,000 arguments at once are too many for Lua's stack.

/**
 * No version although the cluster lost its store (`lost` in meta, see `recovery: reseed`), or half of one that is being written back: what
 * stands there is not the state of this partition, and must not be taken for a new one.
 */
const missing = `
if h[1] == false and (redis.call('HGET',KEYS[1],'lost') or redis.call('HGET',KEYS[3],'seeding')) then return {'MISSING'} end
`;

/** KEYS head, groups, slices → OK, version, cursor, starts, suspects, the groups with something in the outbox, the open id slices. */
export const readHead: Piece = {
  name: 'read-head',
  lua: `
local h = redis.call('HMGET',KEYS[3],'ver','cursor','starts','suspects')
${missing}
local function fields(key) local all, out = redis.call('HGETALL',key), {}; for i = 1,#all,2 do out[#out+1] = all[i] end; return out end
return {'OK',h[1] or '0',h[2] or false,h[3] or '0',h[4] or '',fields(KEYS[4]),fields(KEYS[5])}`,
};

/** KEYS list; ARGV[7] first, [8] last → OK, elements. */
export const readList: Piece = { name: 'read-list', lua: `return {'OK',redis.call('LRANGE',KEYS[3],ARGV[7],ARGV[8])}` };

/** KEYS outbox; ARGV[7] fields… → OK, texts. */
export const readBlobs: Piece = { name: 'read-blobs', lua: `return {'OK',redis.call('HMGET',KEYS[3],unpack(ARGV,7))}` };

/** KEYS head; ARGV[7] suspects → OK. */
export const noteStart: Piece = {
  name: 'note-start',
  lua: `redis.call('HINCRBY',KEYS[3],'starts',1)
redis.call('HSET',KEYS[3],'suspects',ARGV[7])
return {'OK'}`,
};

/**
 * KEYS head, state, outbox, groups, slices, the open id slice; then a queue per blob, then the lists of the slices to drop.
 * ARGV[7] expected version, [8] commit id, [9] cursor, [10] lease ttl, [11] id slice, [12] id text, then the numbers of
 * [13] sets, [14] dels, [15] blobs, [16] dropped slices, and these: key, value… key… group, items, bytes, text… slice…
 *
 * All of it or nothing: Redis runs a script alone, and what it changed reaches the file as one piece.
 */
export const commit: Piece = {
  name: 'commit',
  lua: `
local h = redis.call('HMGET',KEYS[3],'ver','last')
${missing}
local ver = tonumber(h[1] or '0')
if h[2] == ARGV[8] then return {'REPLAYED',ver} end
if ver ~= tonumber(ARGV[7]) then return {'CONFLICT',ver} end
ver = ver + 1
local at = 17
local function chunked(cmd,key,n)
  local last = at + n - 1
  while at <= last do
    local till = math.min(at+199,last)
    redis.call(cmd,key,unpack(ARGV,at,till))
    at = till + 1
  end
end
chunked('HSET',KEYS[4],2*tonumber(ARGV[13]))
chunked('HDEL',KEYS[4],tonumber(ARGV[14]))
for i = 1,tonumber(ARGV[15]) do
  local group, items, bytes, text = ARGV[at], ARGV[at+1], ARGV[at+2], ARGV[at+3]
  at = at + 4
  local field = string.format('%.0f',ver)
  redis.call('HSET',KEYS[5],field..':'..group,text)
  redis.call('RPUSH',KEYS[8+i],field..':'..items..':'..bytes)
  local n, b = string.match(redis.call('HGET',KEYS[6],group) or '0:0','^(%d+):(%d+)$')
  redis.call('HSET',KEYS[6],group,string.format('%.0f:%.0f',n+items,b+bytes))
end
if ARGV[11] ~= '' then
  redis.call('RPUSH',KEYS[8],string.format('%.0f',ver)..':'..ARGV[12])
  redis.call('HSET',KEYS[7],ARGV[11],'1')
end
for i = 1,tonumber(ARGV[16]) do
  redis.call('UNLINK',KEYS[8+tonumber(ARGV[15])+i])
  redis.call('HDEL',KEYS[7],ARGV[at])
  at = at + 1
end
redis.call('HSET',KEYS[3],'ver',ver,'last',ARGV[8],'cursor',ARGV[9],'starts','0')
redis.call('HSET',KEYS[2],'exp',now+tonumber(ARGV[10]))
return {'OK',ver}`,
};

/** KEYS outbox, groups, queue; ARGV[7] group, [8] version, [9] at most → OK, how many blobs went. */
export const clearOutbox: Piece = {
  name: 'clear-outbox',
  lua: `
local gone, items, bytes = 0, 0, 0
while gone < tonumber(ARGV[9]) do
  local first = redis.call('LINDEX',KEYS[5],0)
  if not first then break end
  local v, n, b = string.match(first,'^(%d+):(%d+):(%d+)$')
  if tonumber(v) > tonumber(ARGV[8]) then break end
  redis.call('LPOP',KEYS[5])
  redis.call('HDEL',KEYS[3],v..':'..ARGV[7])
  gone, items, bytes = gone + 1, items + n, bytes + b
end
if gone > 0 then
  local n, b = string.match(redis.call('HGET',KEYS[4],ARGV[7]) or '0:0','^(%d+):(%d+)$')
  if tonumber(n) > items then redis.call('HSET',KEYS[4],ARGV[7],string.format('%.0f:%.0f',n-items,b-bytes))
  else redis.call('HDEL',KEYS[4],ARGV[7]) end
end
return {'OK',gone}`,
};

/** Without a lease: KEYS[2] head, [3] groups → OK, version, items, bytes. */
export const describe: Piece = {
  name: 'describe',
  lua: `
local all, items, bytes = redis.call('HGETALL',KEYS[3]), 0, 0
for i = 2,#all,2 do
  local n, b = string.match(all[i],'^(%d+):(%d+)$')
  items, bytes = items + n, bytes + b
end
return {'OK',redis.call('HGET',KEYS[2],'ver') or '0',items,bytes}`,
};
