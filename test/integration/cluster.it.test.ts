import { it } from 'vitest';
import { expectTwoKilledToChangeNothing, twoKilledWithinMs } from '../cluster/two-killed.ts';

it(
  'gives with three agents, two of them killed, what one process gives',
  () => expectTwoKilledToChangeNothing('it', 'rabbitmq', 3_000),
  twoKilledWithinMs,
);
