import { Fault } from '../../model/faults.ts';
import { clusterRemedy } from './redis-fault.ts';

// All of them wait for a person, and none ends the agent: its listeners go on.

/** One of all its slots would even serve us, until some of them are moved. */
export function clusterMode(address: string): Fault {
  return new Fault(
    'retryable',
    'redis_cluster',
    `Redis at ${address} runs in cluster mode. Nothing is read or written there.${clusterRemedy}`,
  );
}

export function emptied(address: string, cluster: string): Fault {
  return new Fault(
    'retryable',
    'redis_empty',
    `Redis at ${address} holds nothing of cluster ${cluster}, which was running before: it was flushed, or is another Redis. No partition ` +
      'runs; listeners go on. → restore its file and restart it; or give up what was half computed: `recovery: empty` with ' +
      '`accept_loss: true`, and restart the agents (docs/coordination.md)',
  );
}

export function wrongCluster(address: string, cluster: string, found: string, expected: string): Fault {
  return new Fault(
    'retryable',
    'redis_wrong_cluster',
    `Redis at ${address} belongs to another cluster of the name ${cluster} (${found}, ours is ${expected}). Nothing is read or written ` +
      'there. → check the address of Redis and of the bus, or give one of the clusters another name',
  );
}

export function stranger(address: string, cluster: string, kid: string, reason: string): Fault {
  return new Fault(
    'retryable',
    'redis_stranger',
    `the keys of this agent do not know cluster ${cluster} in Redis at ${address} (sealed with key ${JSON.stringify(kid)}: ${reason}). ` +
      'Nothing is read or written there. → give it the key ring of the other agents',
  );
}

export function superseded(address: string, incarnation: number, onBus: number): Fault {
  return new Fault(
    'retryable',
    'redis_superseded',
    `Redis at ${address} stands at incarnation ${incarnation}, the bus at ${onBus}: another primary was taken into service since. Nothing ` +
      'is written here. → connect to that one, and stop this',
  );
}
