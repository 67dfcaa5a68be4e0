import type { ClusterFault } from './cluster-fault.ts';
import { agentFaults } from './faults-of-agents.ts';
import { brokerFaults } from './faults-of-broker.ts';
import { layoutFaults } from './faults-of-layouts.ts';
import { redisFaults } from './faults-of-redis.ts';

export const clusterFaults: readonly ClusterFault[] = [...agentFaults, ...redisFaults, ...brokerFaults, ...layoutFaults];
