import { type OwnRabbitmq, startOwnRabbitmq } from '../services/own-rabbitmq.ts';
import { PrivateRedis } from '../services/redis.ts';

/** The servers of one cluster, nobody else's: they may be killed, cut, flushed and filled. */
export interface Servers {
  readonly rabbitmq: OwnRabbitmq;
  readonly redis: PrivateRedis;
  /** The Redis user of the shipped profile, for this cluster. */
  readonly user: string;
  readonly password: string;
  stop(): Promise<void>;
}

export async function startServers(cluster: string): Promise<Servers> {
  const rabbitmq = await startOwnRabbitmq();
  const redis = await PrivateRedis.start();
  const [user, password] = ['agents', 'for tests alone'];
  await redis.addUser(cluster, user, password);
  return {
    rabbitmq,
    redis,
    user,
    password,
    stop: async () => void (await Promise.all([rabbitmq.dispose(), redis.stop()])),
  };
}
