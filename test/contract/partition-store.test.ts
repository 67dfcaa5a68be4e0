import { embeddedWorld } from './embedded-world.ts';
import { describePartitionStore } from './partition-store.contract.ts';

describePartitionStore('embedded', embeddedWorld);
