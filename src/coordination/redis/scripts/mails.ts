import { script } from '../script.ts';
import { head } from './head.ts';

/** KEYS meta, mails; ARGV[3…] mails → OK, then what stands for each of them, '' where nothing does. */
export const readMails = script(
  'read-mails',
  `${head}
local found, out = redis.call('HMGET',KEYS[2],unpack(ARGV,3)), {'OK'}
for i = 1,#found do out[i+1] = found[i] or '' end
return out`,
);

/** KEYS meta, mails, their order; ARGV[3] how many are remembered, then each mail and its seal. The oldest are forgotten. */
export const rememberMails = script(
  'remember-mails',
  `${head}
for i = 4,#ARGV,2 do
  if redis.call('HSET',KEYS[2],ARGV[i],ARGV[i+1]) == 1 then redis.call('RPUSH',KEYS[3],ARGV[i]) end
end
while redis.call('LINDEX',KEYS[3],ARGV[3]) do redis.call('HDEL',KEYS[2],redis.call('LPOP',KEYS[3])) end
return {'OK'}`,
);
