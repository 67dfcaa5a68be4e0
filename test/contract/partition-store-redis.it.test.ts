import { describePartitionStore } from './partition-store.contract.ts';
import { redisWorld } from './redis-world.ts';

describePartitionStore('Redis', redisWorld);
