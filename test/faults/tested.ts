/** A fault that integration tests bring about, each on servers of its own: which of their tests tell of it. */
export interface TestedFault {
  readonly id: string;
  readonly about: string;
  readonly file: string;
  /** Of the titles of its tests; all of them without. */
  readonly titles?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

const recovery = 'test/integration/redis-recovery.it.test.ts';
const topics = 'test/integration/amqp-topics-faults.it.test.ts';

export const testedFaults: readonly TestedFault[] = [
  {
    id: 'F14',
    about: 'two primaries: agents leave the one that was left behind',
    file: recovery,
    titles: ['another primary was recovered since'],
  },
  {
    id: 'F19b',
    about: 'RabbitMQ is killed twenty times while entries are published to it',
    file: 'test/integration/amqp-topics-restart.it.test.ts',
    env: { ROUNDS: '20' },
  },
  {
    id: 'F22',
    about: 'a queue is deleted and made again, is declared otherwise, or its consumer is cancelled',
    file: topics,
    titles: ['waits for a queue that was deleted', 'refuses a queue that somebody declared otherwise'],
  },
  {
    id: 'F37',
    about: 'phantom agents: no key, another key, a copied record, a key that was dropped',
    file: 'test/integration/redis-phantoms.it.test.ts',
  },
  {
    id: 'F38',
    about: 'an entry that nobody of ours wrote',
    file: topics,
    titles: ['hands out an entry that nobody of ours wrote as refused'],
  },
];
