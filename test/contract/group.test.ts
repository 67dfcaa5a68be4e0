import { embeddedWorld } from './embedded-world.ts';
import { describeGroup } from './group.contract.ts';

describeGroup('embedded', embeddedWorld);
