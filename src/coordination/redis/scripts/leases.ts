import { script } from '../script.ts';
import { head, tick } from './head.ts';

const fields = `'agent','boot','epoch','inc','exp','plan','kid','mac'`;

/** KEYS meta, leases… → OK, now, floor, then the fields of each lease. Reads only. */
export const readLeases = script(
  'read-leases',
  `${head}
local out = {'OK',now,floor}
for i = 2,#KEYS do out[#out+1] = redis.call('HMGET',KEYS[i],${fields}) end
return out`,
);

/** KEYS meta, units → OK, the name of every unit that ever had a lease. */
export const readUnits = script(
  'read-units',
  `${head}
local all, out = redis.call('HGETALL',KEYS[2]), {'OK'}
for i = 1,#all,2 do out[#out+1] = all[i] end
return out`,
);

/**
 * KEYS meta, lease, units. ARGV[3] the epoch and [4] the code of the lease as the caller read and judged it, [5] '1': its code is bad,
 * so it binds nobody; then [6] agent, boot, epoch, plan, ttl, kid, mac, unit of the new one.
 *
 * The epoch is computed by the caller, because he must sign it; this script accepts it only above the one that stands and the floor.
 */
export const acquire = script(
  'acquire',
  `${head}${tick}
local l = redis.call('HMGET',KEYS[2],${fields})
if (l[1] or '') ~= '' and ARGV[5] ~= '1' and l[4] == inc then
  local left = (tonumber(l[5]) or 0) - now
  if left > 0 and not (l[1] == ARGV[6] and l[2] == ARGV[7]) then return {'HELD',l[1],left} end
end
if (l[3] or '') ~= ARGV[3] or (l[8] or '') ~= ARGV[4] then return {'RETRY'} end
if ARGV[5] ~= '1' and tonumber(ARGV[9]) < (tonumber(l[6]) or 0) then return {'STALEPLAN'} end
local epoch = tonumber(ARGV[8])
if epoch <= floor or (ARGV[5] ~= '1' and epoch <= (tonumber(l[3]) or 0)) then return {'RETRY'} end
redis.call('HSET',KEYS[2],'agent',ARGV[6],'boot',ARGV[7],'epoch',ARGV[8],'inc',inc,'exp',now+tonumber(ARGV[10]),
  'plan',ARGV[9],'kid',ARGV[11],'mac',ARGV[12])
redis.call('HSET',KEYS[3],ARGV[13],'1')
return {'OK'}`,
);

/** KEYS meta, leases…; ARGV[3] ttl, then agent, boot, epoch, incarnation of each → OK, the numbers (from 1) of those that are lost. */
export const renew = script(
  'renew',
  `${head}${tick}
local lost = {'OK'}
for i = 2,#KEYS do
  local a = 4*(i-1)
  local l = redis.call('HMGET',KEYS[i],'agent','boot','epoch')
  if l[1] == ARGV[a] and l[2] == ARGV[a+1] and l[3] == ARGV[a+2] and inc == ARGV[a+3] then
    redis.call('HSET',KEYS[i],'exp',now+tonumber(ARGV[3]))
  else lost[#lost+1] = i-1 end
end
return lost`,
);

/** Behind the guard. The epoch stays, so that the next owner's is higher. */
export const release = `
redis.call('HSET',KEYS[2],'agent','','boot','','exp','0','kid','','mac','')
return {'OK'}`;
