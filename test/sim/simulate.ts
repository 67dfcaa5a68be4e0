import { IdLog } from '../../src/core/partition/id-log.ts';
import { Positions } from '../../src/core/partition/positions.ts';
import { Cluster } from './cluster.ts';
import type { Flaw } from './flaws.ts';
import { compareWithOracle, isDrained } from './oracle.ts';
import { scheduleFaults } from './sim-faults.ts';

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly story: readonly string[];
  readonly steps: number;
  readonly commits: number;
  readonly deliveries: number;
}

/** After the faults stop, everything must have come through within this time: a few leases, and the longest pauses between tries. */
const drainWithinMs = 300_000;

/** One life of a cluster, decided by its seed. Nothing in it takes real time, and two runs of a seed are the same. */
export async function simulate(seed: number, broken: ReadonlySet<Flaw> = new Set(), tells = false): Promise<Outcome> {
  const mend = breakCore(broken);
  const cluster = new Cluster(seed, broken, tells);
  const { world, ledger } = cluster;
  try {
    const faults = scheduleFaults(cluster);
    await world.run(faults.endAt, () => false);
    faults.stop();
    const drained = await world.run(world.now + drainWithinMs, () => isDrained(cluster));
    if (!drained && world.violations.length === 0) world.wrong('I6', `not drained after the faults stopped: ${leftIn(cluster)}`);
  } finally {
    mend();
  }
  if (world.violations.length === 0 && !ledger.lostHistory) compareWithOracle(cluster);
  // Whoever still lives waits for events that never happen.
  for (const agent of cluster.agents) agent.process.dead = true;
  const { violations, story, steps } = world;
  return { seed, violations, story, steps, commits: ledger.commits, deliveries: ledger.deliveries };
}

function leftIn(cluster: Cluster): string {
  const queues = [cluster.raw, ...cluster.queues.values()].map((queue) => `${queue.name} ${queue.pending.length}`);
  const outboxes = [...cluster.units.keys()].map((unit) => `${unit} ${cluster.redis.unit(unit).outbox.length}`);
  return `queues ${queues.join(', ')}; outboxes ${outboxes.join(', ')}; ${cluster.ledger.published.size} published`;
}

/** Two guards are inside of the pure core, where nothing can be handed in. */
function breakCore(broken: ReadonlySet<Flaw>): () => void {
  const { decide } = Positions.prototype;
  const { has } = IdLog.prototype;
  if (broken.has('sequence-dedupe')) Positions.prototype.decide = () => 'next';
  if (broken.has('id-dedupe')) IdLog.prototype.has = () => false;
  return () => {
    Positions.prototype.decide = decide;
    IdLog.prototype.has = has;
  };
}
