import { script } from '../script.ts';
import { head } from './head.ts';

/** KEYS meta, plan → OK, version, owners, kid, mac. */
export const readPlan = script(
  'read-plan',
  `${head}
local p = redis.call('HMGET',KEYS[2],'ver','owners','kid','mac')
return {'OK',p[1] or '0',p[2] or '',p[3] or '',p[4] or ''}`,
);

/** KEYS meta, plan; ARGV[3] expected version, [4] owners, [5] kid, [6] mac. Once per version. */
export const commitPlan = script(
  'commit-plan',
  `${head}
local v = tonumber(redis.call('HGET',KEYS[2],'ver') or '0') or 0
if v ~= tonumber(ARGV[3]) then return {'CONFLICT'} end
redis.call('HSET',KEYS[2],'ver',v+1,'owners',ARGV[4],'kid',ARGV[5],'mac',ARGV[6])
return {'OK'}`,
);

/** KEYS meta, layouts → OK, sink and layout of each. */
export const readLayouts = script(
  'read-layouts',
  `${head}
local all, out = redis.call('HGETALL',KEYS[2]), {'OK'}
for i = 1,#all do out[#out+1] = all[i] end
return out`,
);

/** KEYS meta, layouts; ARGV[3] sink, [4] the text that must stand there ('': none), [5] the new one → OK, what stands there now. */
export const putLayout = script(
  'put-layout',
  `${head}
local stored = redis.call('HGET',KEYS[2],ARGV[3]) or ''
if stored ~= ARGV[4] then return {'OK',stored} end
redis.call('HSET',KEYS[2],ARGV[3],ARGV[5])
return {'OK',ARGV[5]}`,
);
