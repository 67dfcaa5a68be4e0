import type { ClusterConfig } from '../config/agent-config.ts';
import { readKeyRing } from '../config/key-file.ts';
import { openRedis } from '../coordination/redis/open-redis.ts';
import { readConfigured, readSecret } from '../inputs/configured-file.ts';
import { tlsOptions } from '../model/tls-files.ts';
import { RedisStore } from '../state/redis/redis-store.ts';
import { RememberingStore } from '../state/remembering-store.ts';
import { AmqpTopics } from '../topics/amqp/amqp-topics.ts';
import { partitionName } from '../topics/topic.ts';
import { tellOfRedis, tellOfTopics } from './cluster-reporters.ts';
import type { Places, PlacesOptions } from './places.ts';
import { TellingGroup } from './telling-group.ts';

/** Coordination and state in Redis, topics in RabbitMQ. Nothing is connected before it is asked for. */
export async function openCluster({ config, clock, random, emit }: PlacesOptions, cluster: ClusterConfig): Promise<Places> {
  const { redis, amqp } = cluster;
  const ring = await readKeyRing(cluster.keysFile);
  const urls = async () => {
    const password = amqp.passwordFile === null ? null : await readSecret(amqp.passwordFile, undefined);
    return amqp.urls.map((url) => withPassword(url, password));
  };
  const read = (path: string) => readConfigured(path, config.baseDir);
  const topics = new AmqpTopics({
    urls,
    socket: await tlsOptions(amqp.tls, read),
    keys: ring,
    clock,
    random,
    name: `ceilograph ${config.cluster}`,
    onBounded: (partition, since) =>
      emit(since === null ? 'topic:room' : 'topic:bounded', { partition: partitionName(partition) }),
    report: (event) => tellOfTopics(emit, event),
  });
  const { passwordFile } = redis;
  const redisPassword = passwordFile === null ? null : () => readSecret(passwordFile, undefined);
  const control = topics.controlLog(config.cluster);
  const coordination = openRedis({
    url: redis.url,
    ...(redis.aclUser === null ? {} : { username: redis.aclUser }),
    ...(redisPassword === null ? {} : { password: await redisPassword(), readPassword: redisPassword }),
    tls: await tlsOptions(redis.tls, read),
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
    rememberedLayouts: async () => (await control.read())?.layouts ?? {},
    describe: async () => ({ durability: (await coordination.durability()).mode }),
    close: async () => void (await Promise.all([topics.close(), coordination.close(), control.close()])),
  };
}

function withPassword(text: string, password: string | null): string {
  if (password === null) return text;
  const url = new URL(text);
  url.password = encodeURIComponent(password);
  return url.href;
}
