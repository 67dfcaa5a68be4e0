import { type ClockShift, shiftedClock } from '../services/clock-shift.ts';
import { type OwnKafka, startOwnKafka } from '../services/own-kafka.ts';
import { type OwnRabbitmq, startOwnRabbitmq, startThreeRabbitmqs } from '../services/own-rabbitmq.ts';
import { PrivateRedis } from '../services/redis.ts';
import { SentinelRig } from '../services/redis-sentinels.ts';

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
  /** Of the Redis, where agents find it through them. */
  readonly sentinels: SentinelRig | undefined;
  /** The Redis user of the shipped profile, for this cluster. */
  readonly user: string;
  readonly password: string;
  /** Of Redis. */
  readonly clock: ClockShift | undefined;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Where the file that sets Redis' wall clock may lie. */
  readonly clocks?: string | undefined;
  readonly bus?: Bus | undefined;
  /** The Redis has a replica, and sentinels that promote it. */
  readonly sentinels?: boolean | undefined;
}

export async function startServers(cluster: string, options: ServerOptions = {}): Promise<Servers> {
  const { clocks, bus = 'rabbitmq' } = options;
  const nodes = bus === 'three rabbitmqs' ? await startThreeRabbitmqs() : [await startOwnRabbitmq()];
  const [rabbitmq] = nodes as readonly [OwnRabbitmq, ...OwnRabbitmq[]];
  const kafka = bus === 'kafka' ? await startOwnKafka() : undefined;
  const clock = clocks === undefined ? undefined : await shiftedClock(clocks, 'redis');
  const redis = await PrivateRedis.start([], clock?.env);
  const [user, password] = ['agents', 'for tests alone'];
  await redis.addUser(cluster, user, password);
  const sentinels = options.sentinels === true ? await SentinelRig.start(redis) : undefined;
  await sentinels?.replica.addUser(cluster, user, password);
  return {
    rabbitmq,
    nodes,
    redis,
    sentinels,
    kafka,
    user,
    password,
    clock,
    stop: async () =>
      void (await Promise.all([...nodes.map((node) => node.dispose()), sentinels?.stop(), redis.stop(), kafka?.dispose()])),
  };
}
