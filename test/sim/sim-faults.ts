import type { Cluster } from './cluster.ts';
import type { SimAgent } from './sim-agent.ts';

/** What befalls the cluster, and when it stops to. */
export function scheduleFaults(cluster: Cluster): { readonly endAt: number; stop(): void } {
  const { world } = cluster;
  const { random } = world;
  const names = ['a', 'b', 'c'].slice(0, random.int(2, 3));
  for (const name of names) world.after(random.between(0, 3_000), null, () => cluster.start(name));
  const trafficMs = cluster.long ? random.between(200_000, 400_000) : random.between(15_000, 40_000);
  cluster.feed(cluster.long ? random.int(100, 200) : random.int(20, 60), trafficMs);
  const endAt = trafficMs + random.between(5_000, 20_000);
  const count = random.int(0, 8);
  for (let i = 0; i < count; i++) {
    const fault = random.pick(Object.values(faults));
    world.after(random.between(2_000, endAt - 1_000), null, () => fault(cluster));
  }
  return {
    endAt,
    stop: () => {
      world.tell(() => 'the faults stop');
      cluster.weather.trouble = 0;
      cluster.targetDownUntil = 0;
      for (const agent of cluster.alive) agent.dieAtCall(0, 'before', () => undefined);
      cluster.keep(names);
    },
  };
}

type ClusterFault = (cluster: Cluster) => void;

/** Each draws its own chance when it comes. */
const faults: Readonly<Record<string, ClusterFault>> = {
  crash: (cluster) => withOne(cluster, (agent) => crash(cluster, agent)),
  crashInCall: (cluster) =>
    withOne(cluster, (agent) => {
      const { random } = cluster.world;
      agent.dieAtCall(random.int(1, 60), random.pick(['before', 'after']), () => again(cluster, agent));
    }),
  crashOfAll: (cluster) => {
    for (const agent of cluster.alive) crash(cluster, agent);
  },
  pause: (cluster) =>
    withOne(cluster, (agent) => {
      const { random } = cluster.world;
      if (cluster.long && random.chance(0.8)) {
        // What it has taken and not yet appended comes when it wakes: longer than ids are kept.
        const beforeMs = random.between(3_000, 8_000);
        cluster.cut(agent.links.broker, beforeMs + 1_000);
        cluster.world.after(beforeMs, null, () => agent.pause(random.between(180_000, 300_000)));
      } else agent.pause(random.chance(0.3) ? random.between(500, 9_000) : random.between(9_000, 40_000));
    }),
  leave: (cluster) =>
    withOne(cluster, (agent) => {
      void agent.stop().then(() => again(cluster, agent));
    }),
  join: (cluster) => void cluster.start('d'),
  redisCut: (cluster) => withOne(cluster, ({ links: { redis } }) => cluster.cut(redis)),
  targetCut: (cluster) => withOne(cluster, ({ links: { target } }) => cluster.cut(target)),
  brokerCut: (cluster) =>
    withOne(cluster, ({ links: { broker }, process }) => {
      cluster.cut(broker);
      cluster.dropSessions(process);
    }),
  brokerRestart: (cluster) => {
    for (const { links, process } of cluster.alive) {
      cluster.cut(links.broker);
      cluster.dropSessions(process);
    }
  },
  redisRestart: ({ redis, world: { random } }) => redis.restart(random.between(1, 6_000), 0),
  /** Its file was damaged: it forgets what it answered for. What is lost is lost; nothing stale may come to count for it. */
  redisForgets: ({ redis, ledger, world: { random } }) => {
    if (!random.chance(0.3)) return;
    ledger.lostHistory = true;
    redis.restart(random.between(1, 3_000), random.int(1, 60));
  },
  targetDown: (cluster) => {
    cluster.targetDownUntil = cluster.world.now + cluster.world.random.between(500, 15_000);
  },
  agentClock: (cluster) =>
    withOne(cluster, (agent) => {
      agent.clock.offsetMs += cluster.world.random.pick([-240_000, -5_000, 5_000, 3_600_000]);
      cluster.ledger.steppedMs += 2_000;
    }),
  redisClock: ({ redis, ledger, world: { random } }) => {
    const by = random.pick([-3_600_000, -5_000, 5_000, 3_600_000]);
    redis.offsetMs += by;
    ledger.steppedMs += 2_000;
    ledger.clockSetBack ||= by < 0;
  },
};

function crash(cluster: Cluster, agent: SimAgent): void {
  agent.kill(cluster.world.random.chance(0.7) ? 'process' : 'machine');
  again(cluster, agent);
}

function withOne(cluster: Cluster, befall: (agent: SimAgent) => void): void {
  if (cluster.alive.length > 0) befall(cluster.world.random.pick(cluster.alive));
}

/** Its supervisor starts it again, sooner or later. */
function again(cluster: Cluster, agent: SimAgent): void {
  const { world } = cluster;
  const delay = world.random.chance(0.5) ? world.random.between(100, 2_000) : world.random.between(2_000, 15_000);
  world.after(delay, null, () => cluster.start(agent.given));
}
