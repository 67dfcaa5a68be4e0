import { describeGroup } from './group.contract.ts';
import { redisWorld } from './redis-world.ts';

describeGroup('Redis', redisWorld);
