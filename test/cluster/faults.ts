import type { ClusterFault } from './cluster-fault.ts';
import { agentFaults } from './faults-of-agents.ts';
import { brokerFaults } from './faults-of-broker.ts';
import { inputFaults } from './faults-of-input.ts';
import { kafkaFaults } from './faults-of-kafka.ts';
import { layoutFaults } from './faults-of-layouts.ts';
import { redisFaults } from './faults-of-redis.ts';
import { targetFaults } from './faults-of-targets.ts';
import { timeFaults } from './faults-of-time.ts';
import { transformerFaults } from './faults-of-transformers.ts';

export const clusterFaults: readonly ClusterFault[] = [
  ...agentFaults,
  ...redisFaults,
  ...brokerFaults,
  ...inputFaults,
  ...timeFaults,
  ...transformerFaults,
  ...layoutFaults,
  ...targetFaults,
  ...kafkaFaults,
];
