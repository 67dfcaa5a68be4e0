import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterView } from '../../src/agent/cluster-view.ts';
import type { ExpectedOutputs } from '../../src/cli/demo/expected.ts';
import { Cloud } from '../../src/cli/demo/traffic.ts';
import { OsloNotifier } from '../peers/oslo/oslo-notifier.ts';
import { AgentUnderTest, cluster } from './agent-under-test.ts';
import { Site } from './site.ts';
import { asOslo } from './traffic.ts';
import { pause, until } from './until.ts';
import { isExact, judge, replayed, type Verdict } from './verdict.ts';

const service = 'nova';
const instances = 150;
const chunkSize = 10;
const chunkMs = 60;

export interface OrdealOptions {
  /** At least so many are published, and on until the deaths are over. */
  readonly notifications: number;
  /** Makes the agent die, again and again, while the notifier goes on; leaves none running. */
  readonly deaths: (agent: AgentUnderTest) => Promise<void>;
  /** How long a healthy agent may take at the end. */
  readonly settleMs: number;
}

export interface Ordeal extends Verdict {
  readonly published: number;
  /** In the raw queue after the orderly stop. */
  readonly left: number;
  /** Dead letters. */
  readonly letters: number;
}

/**
 * The agent dies while oslo.messaging goes on notifying through a real RabbitMQ; then a healthy agent finishes, stops in order, and
 * every output file is compared with a single-process replay of what was published, in the order of the raw queue.
 */
export async function ordeal(options: OrdealOptions): Promise<Ordeal> {
  const folder = await mkdtemp(join(tmpdir(), 'ceilograph-faults-'));
  let exact = false;
  const site = await Site.open([service]);
  const notifier = await OsloNotifier.start(site.topic);
  const agent = await AgentUnderTest.prepare(folder, await site.input());
  try {
    await feedThrough(options, agent, notifier, site.exchange(service));
    await until(() => site.published.length === notifier.sent, 10_000, 'the copy of what was published is not complete');
    const expected = await replayed(agent.configFile, cluster, site.published);
    agent.start();
    const view = await settled(agent, expected, options.settleMs);
    await agent.stop();
    const left = await site.leftInRawQueues();
    const verdict = await judge(expected, agent.outputs);
    exact = isExact(verdict) && left.length === 0;
    return { ...verdict, published: site.published.length, left: left.length, letters: view?.deadLetters.letters ?? 0 };
  } finally {
    await agent.close();
    await notifier.close();
    await site.close();
    if (exact) await rm(folder, { recursive: true, force: true });
    else console.error(`outputs, data and log are left in ${folder}`);
  }
}

async function feedThrough(
  options: OrdealOptions,
  agent: AgentUnderTest,
  notifier: OsloNotifier,
  exchange: string,
): Promise<void> {
  const cloud = new Cloud(instances, Date.now() - 24 * 3_600_000);
  const failed = new AbortController();
  let over = false;
  const deaths = options.deaths(agent).then(
    () => {
      over = true;
    },
    (error: unknown) => failed.abort(error),
  );
  while (!failed.signal.aborted && (!over || notifier.sent < options.notifications)) {
    for (const few of chunks(cloud.nextRound().map((notification) => asOslo(notification, exchange)))) {
      // Spread over the round, so that the agent always has something in work when it dies.
      const paced = pause(chunkMs);
      await notifier.send(few);
      await paced;
    }
  }
  await deaths;
  failed.signal.throwIfAborted();
  await notifier.send(cloud.lastRound().map((notification) => asOslo(notification, exchange)));
}

function* chunks<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let i = 0; i < list.length; i += chunkSize) yield list.slice(i, i + chunkSize);
}

/** Until every expected output is there and no outbox holds anything, or time is up: what is missing then is lost. */
async function settled(agent: AgentUnderTest, expected: ExpectedOutputs, withinMs: number): Promise<ClusterView | null> {
  const end = performance.now() + withinMs;
  for (;;) {
    const { lost } = await judge(expected, agent.outputs);
    const view = lost.length === 0 ? await agent.status() : null;
    const idle = view?.partitions.every((partition) => partition.outboxItems === 0) ?? false;
    if (idle || performance.now() > end) return view;
    await pause(250);
  }
}
