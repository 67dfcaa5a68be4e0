import type { Cluster } from './cluster.ts';
import type { SimAgent } from './sim-agent.ts';

/** What befalls the cluster, and when it stops to. */
export function scheduleFaults(cluster: Cluster): { readonly endAt: number; stop(): void } {
  const { world } = cluster;
  const { random } = world;
  const names = ['a', 'b', 'c'].slice(0, random.int(2, 3));
  for (const name of names) world.after(random.between(0, 3_000), null, () => cluster.start(name));
  const trafficMs = random.between(15_000, 40_000);
  cluster.feed(random.int(20, 60), trafficMs);
  const endAt = trafficMs + random.between(5_000, 20_000);
  const count = random.int(0, 6);
  for (let i = 0; i < count; i++) {
    const fault = random.pick(faults);
    world.after(random.between(2_000, endAt - 1_000), null, () => fault(cluster));
  }
  return {
    endAt,
    stop: () => {
      cluster.weather.trouble = 0;
      cluster.targetDownUntil = 0;
      const running = new Set(cluster.alive.map((agent) => agent.boot.split('#')[0]));
      for (const name of names) if (!running.has(name)) cluster.start(name);
    },
  };
}

type ClusterFault = (cluster: Cluster) => void;

const crash: ClusterFault = (cluster) => {
  const { random } = cluster.world;
  withOne(cluster, (agent) => {
    agent.kill(random.chance(0.7) ? 'process' : 'machine');
    again(cluster, agent);
  });
};

const faults: readonly ClusterFault[] = [crash];

function withOne(cluster: Cluster, befall: (agent: SimAgent) => void): void {
  if (cluster.alive.length > 0) befall(cluster.world.random.pick(cluster.alive));
}

/** Its supervisor starts it again, sooner or later. */
function again(cluster: Cluster, agent: SimAgent): void {
  const { world } = cluster;
  world.after(world.random.between(200, 15_000), null, () => cluster.start(agent.boot.split('#')[0] as string));
}
