import type { ClusterConfig } from '../config/agent-config.ts';
import { readKeyRing } from '../config/key-file.ts';
import { openRedis } from '../coordination/redis/open-redis.ts';
import type { SentinelServers } from '../coordination/redis/sentinels.ts';
import { readConfigured, readSecret } from '../inputs/configured-file.ts';
import { tlsOptions } from '../model/tls-files.ts';
import { RedisStore } from '../state/redis/redis-store.ts';
import { RememberingStore } from '../state/remembering-store.ts';
import { tellOfRedis } from './cluster-reporters.ts';
import { openTopics } from './open-topics.ts';
import type { Places, PlacesOptions } from './places.ts';
import { TellingGroup } from './telling-group.ts';

/** Coordination and state in Redis, topics in RabbitMQ or Kafka. Nothing is connected before it is asked for. */
export async function openCluster(options: PlacesOptions, cluster: ClusterConfig): Promise<Places> {
  const { config, clock, random, emit } = options;
  const { redis } = cluster;
  const ring = await readKeyRing(cluster.keysFile);
  const read = (path: string) => readConfigured(path, config.baseDir);
  const topics = await openTopics(options, cluster, ring);
  const { passwordFile } = redis;
  const redisPassword = passwordFile === null ? null : () => readSecret(passwordFile, undefined);
  const control = topics.controlLog(config.cluster);
  const coordination = openRedis({
    url: redis.url,
    ...(redis.aclUser === null ? {} : { username: redis.aclUser }),
    ...(redisPassword === null ? {} : { password: await redisPassword(), readPassword: redisPassword }),
    tls: await tlsOptions(redis.tls, read),
    ...(redis.sentinels === null ? {} : { sentinels: await toSentinels(redis.sentinels) }),
    random,
    cluster: config.cluster,
    ring,
    control,
    recovery: redis.recovery,
    report: (event) => tellOfRedis(emit, event),
    onConnection: ({ up, error }) => (up ? emit('redis:connected', {}) : emit('redis:disconnected', { error })),
  });
  const redisStore = new RedisStore(coordination.guarded);
  const onWrittenBack = (partition: string, version: number) => emit('partition:written-back', { partition, version });
  const telling =
    redis.recovery === 'reseed'
      ? new TellingGroup(
          coordination.group,
          clock,
          (mayWriteBack) => new RememberingStore(redisStore, { mayWriteBack, onWrittenBack }),
        )
      : null;
  return {
    topics,
    group: telling ?? coordination.group,
    store: telling?.store ?? redisStore,
    acceptedMails: coordination.mails,
    rememberedLayouts: async () => (await control.read())?.layouts ?? {},
    describe: async () => ({ durability: (await coordination.durability()).mode }),
    close: async () => void (await Promise.all([topics.close(), coordination.close(), control.close()])),
  };
}

async function toSentinels({
  hosts,
  aclUser,
  passwordFile,
}: NonNullable<ClusterConfig['redis']['sentinels']>): Promise<SentinelServers> {
  const readPassword = passwordFile === null ? null : () => readSecret(passwordFile, undefined);
  return {
    hosts,
    ...(aclUser === null ? {} : { username: aclUser }),
    ...(readPassword === null ? {} : { password: await readPassword(), readPassword }),
  };
}
