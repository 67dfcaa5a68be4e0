import type { ClusterConfig, TlsFiles } from '../config/agent-config.ts';
import { readKeyRing } from '../config/key-file.ts';
import { openRedis } from '../coordination/redis/open-redis.ts';
import { readConfigured, readSecret } from '../inputs/configured-file.ts';
import { RedisStore } from '../state/redis/redis-store.ts';
import { AmqpTopics } from '../topics/amqp/amqp-topics.ts';
import { openConnection } from '../topics/amqp/connection.ts';
import { ControlQueue } from '../topics/amqp/control-queue.ts';
import { partitionName } from '../topics/topic.ts';
import { tellOfRedis, tellOfTopics } from './cluster-reporters.ts';
import type { Places, PlacesOptions } from './places.ts';

/** See `createPartitions`: a new queue is left alone for so long. */
const controlSettleMs = 2_000;

/** Coordination and state in Redis, topics in RabbitMQ. Nothing is connected before it is asked for. */
export async function openCluster({ config, clock, random, emit }: PlacesOptions, cluster: ClusterConfig): Promise<Places> {
  const { redis, amqp } = cluster;
  const ring = await readKeyRing(cluster.keysFile);
  const urls = async () => {
    const password = amqp.passwordFile === null ? null : await readSecret(amqp.passwordFile, undefined);
    return amqp.urls.map((url) => withPassword(url, password));
  };
  const socket = await tlsOptions(amqp.tls);
  const topics = new AmqpTopics({
    urls,
    socket,
    keys: ring,
    clock,
    random,
    name: `ceilograph ${config.cluster}`,
    onBounded: (partition, since) =>
      emit(since === null ? 'topic:room' : 'topic:bounded', { partition: partitionName(partition) }),
    report: (event) => tellOfTopics(emit, event),
  });
  const control = new ControlQueue(config.cluster, {
    keys: ring,
    clock,
    settleMs: controlSettleMs,
    connect: async () => {
      return openConnection({
        urls: await urls(),
        name: `ceilograph ${config.cluster} control`,
        heartbeatS: 5,
        socket,
        clock,
        onBlocked: () => undefined,
      });
    },
  });
  const coordination = openRedis({
    url: redis.url,
    ...(redis.aclUser === null ? {} : { username: redis.aclUser }),
    ...(redis.passwordFile === null ? {} : { password: await readSecret(redis.passwordFile, undefined) }),
    ...(redis.tls === null ? {} : { tls: await tlsOptions(redis.tls) }),
    random,
    cluster: config.cluster,
    ring,
    control,
    recovery: redis.recovery,
    report: (event) => tellOfRedis(emit, event),
    onConnection: ({ up, error }) => (up ? emit('redis:connected', {}) : emit('redis:disconnected', { error })),
  });
  return {
    topics,
    group: coordination.group,
    store: new RedisStore(coordination.guarded),
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

interface TlsOptions {
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

async function tlsOptions(files: TlsFiles | null): Promise<TlsOptions> {
  if (files === null) return {};
  const read = async (name: 'ca' | 'cert' | 'key', path: string | null) =>
    path === null ? {} : { [name]: await readConfigured(path, undefined) };
  return {
    rejectUnauthorized: files.verify,
    ...(files.serverName === null ? {} : { servername: files.serverName }),
    ...(await read('ca', files.caFile)),
    ...(await read('cert', files.certFile)),
    ...(await read('key', files.keyFile)),
  };
}
