import { embeddedWorld } from './embedded-world.ts';
import { describeTopics } from './topics.contract.ts';

describeTopics('embedded', embeddedWorld);
