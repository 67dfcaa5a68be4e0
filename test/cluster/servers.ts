import { type ClockShift, shiftedClock } from '../services/clock-shift.ts';
import { type OwnKafka, startOwnKafka } from '../services/own-kafka.ts';
import { type OwnRabbitmq, startOwnRabbitmq, startThreeRabbitmqs } from '../services/own-rabbitmq.ts';
import { PrivateRedis } from '../services/redis.ts';

/** What the internal topics are in. The notifications come from RabbitMQ whatever it is. */
export type Bus = 'rabbitmq' | 'three rabbitmqs' | 'kafka';

/** The servers of one cluster, nobody else's: they may be killed, cut, flushed and filled. */
export interface Servers {
  readonly rabbitmq: OwnRabbitmq;
  readonly redis: PrivateRedis;
  /** All nodes of the RabbitMQ, this one among them. */
  readonly nodes: readonly OwnRabbitmq[];
  /** Where the internal topics are, when not in RabbitMQ. */
  readonly kafka: OwnKafka | undefined;
  /** The Redis user of the shipped profile, for this cluster. */
  readonly user: string;
  readonly password: string;
  /** Of Redis. */
  readonly clock: ClockShift | undefined;
  stop(): Promise<void>;
}

/** `clocks`: where the files that set Redis' wall clock may lie. */
export async function startServers(cluster: string, clocks?: string, bus: Bus = 'rabbitmq'): Promise<Servers> {
  const nodes = bus === 'three rabbitmqs' ? await startThreeRabbitmqs() : [await startOwnRabbitmq()];
  const [rabbitmq] = nodes as readonly [OwnRabbitmq, ...OwnRabbitmq[]];
  const kafka = bus === 'kafka' ? await startOwnKafka() : undefined;
  const clock = clocks === undefined ? undefined : await shiftedClock(clocks, 'redis');
  const redis = await PrivateRedis.start([], clock?.env);
  const [user, password] = ['agents', 'for tests alone'];
  await redis.addUser(cluster, user, password);
  return {
    rabbitmq,
    nodes,
    redis,
    kafka,
    user,
    password,
    clock,
    stop: async () => void (await Promise.all([...nodes.map((node) => node.dispose()), redis.stop(), kafka?.dispose()])),
  };
}
