import { parseArgs } from 'node:util';
import { usualTiming } from '../cluster/cluster-under-test.ts';
import { describeTrial, isGood, trial } from '../cluster/trial.ts';
import { programCheck } from './program.ts';
import { runChecks, type Tally } from './report.ts';

// N agents against one: outputs of a cluster on a real RabbitMQ and Redis, by id and content, and one process that replays its input.
//   npm run test:oracle -- [--list] [--notifications N] [ID…]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean' }, notifications: { type: 'string' } },
});

const orderFree = ['all-meters', 'compute-only', 'window', 'correlate', 'rate-of-change', 'delta'];

interface Run {
  readonly id: string;
  readonly about: string;
  readonly partitions: number;
  readonly notifications: number;
  /** Notifications that an agent has in its hands at most, and so in an entry. */
  readonly prefetch?: number;
  readonly lingerMs?: number;
}

const runs: readonly Run[] = [
  { id: 'partitions-16', about: '4 agents, 16 partitions', partitions: 16, notifications: 200_000 },
  { id: 'partitions-1', about: '4 agents, 1 partition', partitions: 1, notifications: 50_000 },
  { id: 'batch-200', about: '4 agents, 200 notifications at once', partitions: 16, notifications: 20_000, prefetch: 200 },
  { id: 'batch-1', about: '4 agents, one notification at once', partitions: 16, notifications: 20_000, prefetch: 1, lingerMs: 1 },
];

async function one({ id, partitions, notifications, prefetch, lingerMs }: Run): Promise<Tally> {
  const count = values.notifications === undefined ? notifications : Number(values.notifications);
  const result = await trial({
    ...{ id, agents: 4, partitions, notifications: count, instances: 500, orderFree, settleMs: 600_000 },
    ...(prefetch !== undefined && { prefetch }),
    ...(lingerMs !== undefined && { timing: `${usualTiming}, linger_ms: ${lingerMs}` }),
  });
  console.log(describeTrial(result));
  console.log(`outputs by sink: ${JSON.stringify(result.recorded.files)}`);
  return isGood(result) && result.buried === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

const checks = [
  { id: 'build', about: 'compiles src to dist', run: () => programCheck('npm', ['run', '--silent', 'build']) },
  ...runs.map((run) => ({ id: run.id, about: run.about, run: () => one(run) })),
];
await runChecks(checks, values.list === true ? ['--list'] : positionals);
