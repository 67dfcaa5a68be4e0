import { script } from '../script.ts';

const runId = `local function run_id() return string.match(redis.call('INFO','server'),'run_id:(%x+)') end\n`;

/** KEYS meta, units; ARGV[1] the prefix of lease keys. What is known of the cluster, without believing any of it. */
export const probe = script(
  'probe',
  `${runId}
local m = redis.call('HMGET',KEYS[1],'clusterId','inc','run','floor','kid','mac')
local most, units = 0, redis.call('HGETALL',KEYS[2])
for i = 1,#units,2 do
  local e = tonumber(redis.call('HGET',ARGV[1]..units[i],'epoch') or '0') or 0
  if e > most and e < 9007199254740991 then most = e end
end
local mode = string.match(redis.call('INFO','server'),'redis_mode:(%a+)') or ''
return {run_id(),m[1] or '',m[2] or '0',m[3] or '',m[4] or '0',m[5] or '',m[6] or '',string.format('%.0f',most),mode}`,
);

/** KEYS meta; ARGV[1] clusterId, [2] incarnation, [3] kid, [4] mac. The first agent of a new cluster. */
export const found = script(
  'found',
  `${runId}
if redis.call('HGET',KEYS[1],'clusterId') then return {'TAKEN'} end
redis.call('HSET',KEYS[1],'clusterId',ARGV[1],'inc',ARGV[2],'run',run_id(),'floor','0','kid',ARGV[3],'mac',ARGV[4])
return {'OK'}`,
);

/**
 * KEYS meta; ARGV[1] the run that stands there, [2] who. One agent at a time recovers; the right to it ends by itself after 10 s. It
 * stands beside meta's other fields but under no cluster id, because meta may be empty.
 */
export const beginRecovery = script(
  'begin-recovery',
  `${runId}
local m = redis.call('HMGET',KEYS[1],'run','recoverer','recoverUntil')
if m[1] == run_id() then return {'DONE'} end
if (m[1] or '') ~= ARGV[1] then return {'RETRY'} end
local t = redis.call('TIME'); local now = t[1]*1000 + math.floor(t[2]/1000)
local left = (tonumber(m[3]) or 0) - now
if m[2] and m[2] ~= ARGV[2] and left > 0 and left <= 10000 then return {'WAIT',left} end
redis.call('HSET',KEYS[1],'recoverer',ARGV[2],'recoverUntil',now+10000)
return {'OK'}`,
);

/**
 * KEYS meta, members, units, recovered; ARGV[1] the run that stands there, [2] who, [3] clusterId, [4] incarnation, [5] floor, [6] kid,
 * [7] mac, [8] '1': all was lost, [9] and [10] what stands before and behind a unit in the key of its head. Incarnation and floor are
 * durable on the bus before. Members are signed under the old incarnation, so they go. The versions that stand here stay to be compared.
 */
export const recover = script(
  'recover',
  `${runId}
local m = redis.call('HMGET',KEYS[1],'run','recoverer','clusterId','inc','floor')
if m[1] == run_id() then return {'DONE'} end
if (m[1] or '') ~= ARGV[1] or m[2] ~= ARGV[2] then return {'RETRY'} end
if m[3] and m[3] ~= ARGV[3] then return {'WRONGCLUSTER',m[3]} end
if tonumber(ARGV[4]) <= (tonumber(m[4]) or 0) or tonumber(ARGV[5]) < (tonumber(m[5]) or 0) then return {'BACKWARDS'} end
redis.call('HSET',KEYS[1],'run',run_id(),'clusterId',ARGV[3],'inc',ARGV[4],'floor',ARGV[5],'kid',ARGV[6],'mac',ARGV[7])
if ARGV[8] == '1' then redis.call('HSET',KEYS[1],'lost',ARGV[4]) end
redis.call('HDEL',KEYS[1],'recoverer','recoverUntil')
redis.call('DEL',KEYS[2],KEYS[4])
if ARGV[8] ~= '1' then
  redis.call('HSET',KEYS[4],'inc',ARGV[4])
  local units = redis.call('HGETALL',KEYS[3])
  for i = 1,#units,2 do redis.call('HSET',KEYS[4],units[i],redis.call('HGET',ARGV[9]..units[i]..ARGV[10],'ver') or '0') end
end
return {'OK'}`,
);

/** KEYS meta; ARGV[1] clusterId. What nobody wrote back is given up: the partitions begin anew. */
export const acceptLoss = script(
  'accept-loss',
  `if redis.call('HGET',KEYS[1],'clusterId') == ARGV[1] then redis.call('HDEL',KEYS[1],'lost') end
return {'OK'}`,
);

/** KEYS meta; ARGV[1] who. The bus did not take the record: another agent may try at once. */
export const abandonRecovery = script(
  'abandon-recovery',
  `if redis.call('HGET',KEYS[1],'recoverer') == ARGV[1] then redis.call('HDEL',KEYS[1],'recoverer','recoverUntil') end
return {'OK'}`,
);

/** KEYS meta; ARGV[1] the code that stands there, [2] kid, [3] mac: the same seal under another key. */
export const reseal = script(
  'reseal',
  `if redis.call('HGET',KEYS[1],'mac') ~= ARGV[1] then return {'RETRY'} end
redis.call('HSET',KEYS[1],'kid',ARGV[2],'mac',ARGV[3])
return {'OK'}`,
);
