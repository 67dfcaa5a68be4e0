import type { VitestOptions } from '../run/vitest-run.ts';

/** A fault that tests bring about: which of them tell of it. */
export interface TestedFault extends Pick<VitestOptions, 'pick' | 'env'> {
  readonly id: string;
  readonly about: string;
  readonly paths: readonly string[];
}

const topics = ['test/integration/amqp-topics-faults.it.test.ts'];

/** Each on servers of its own. */
export const testedFaults: readonly TestedFault[] = [
  {
    id: 'F14',
    about: 'two primaries: agents leave the one that was left behind',
    paths: ['test/integration/redis-recovery.it.test.ts'],
    pick: 'another primary was recovered since',
  },
  {
    id: 'F19b',
    about: 'RabbitMQ is killed twenty times while entries are published to it',
    paths: ['test/integration/amqp-topics-restart.it.test.ts'],
    env: { ROUNDS: '20' },
  },
  {
    id: 'F22',
    about: 'a queue is deleted and made again, is declared otherwise, or its consumer is cancelled',
    paths: topics,
    pick: 'waits for a queue that was deleted|refuses a queue that somebody declared otherwise',
  },
  {
    id: 'F37',
    about: 'phantom agents: no key, another key, a copied record, a key that was dropped',
    paths: ['test/integration/redis-phantoms.it.test.ts'],
  },
  {
    id: 'F38',
    about: 'an entry that nobody of ours wrote',
    paths: topics,
    pick: 'hands out an entry that nobody of ours wrote as refused',
  },
];
