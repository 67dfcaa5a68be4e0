import { it } from 'vitest';
import { expectTwoKilledToChangeNothing, twoKilledWithinMs } from '../cluster/two-killed.ts';

it(
  'gives with its internal topics on Kafka and three agents, two of them killed, what one process gives',
  () => expectTwoKilledToChangeNothing('kit', 'kafka', 1_500),
  twoKilledWithinMs,
);
