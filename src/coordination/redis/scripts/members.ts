import { script } from '../script.ts';
import { head, tick } from './head.ts';

/** KEYS meta → OK, now, the key that seals meta. */
export const readTime = script('read-time', `${head}\nreturn {'OK',now,m[7] or ''}`);

/**
 * KEYS meta, members; ARGV[3] field, [4] signed record, [5] ttl. In front of the record stands when the store took it: only to clear
 * away, an hour after its end, what nobody refreshes and perhaps nobody can read. Who is alive the signed part says.
 */
export const heartbeat = script(
  'heartbeat',
  `${head}${tick}
redis.call('HSET',KEYS[2],ARGV[3],string.format('%.0f %s\\n%s',now,ARGV[5],ARGV[4]))
if now % 16 == 0 then
  local all = redis.call('HGETALL',KEYS[2])
  for i = 1,#all,2 do
    local at, ttl = string.match(all[i+1],'^(%d+) (%d+)\\n')
    if not at or now - tonumber(at) > 3600000 + math.min(tonumber(ttl),3600000) then redis.call('HDEL',KEYS[2],all[i]) end
  end
end
return {'OK'}`,
);

/** KEYS meta, members; ARGV[3] field. */
export const leave = script('leave', `${head}\nredis.call('HDEL',KEYS[2],ARGV[3])\nreturn {'OK'}`);

/** KEYS meta, members → OK, now, then field and value of each. */
export const readMembers = script(
  'read-members',
  `${head}
local all, out = redis.call('HGETALL',KEYS[2]), {'OK',now}
for i = 1,#all do out[#out+1] = all[i] end
return out`,
);
