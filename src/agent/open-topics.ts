import type { ClusterConfig } from '../config/agent-config.ts';
import type { ControlLog } from '../coordination/control-log.ts';
import { readConfigured, readSecret } from '../inputs/configured-file.ts';
import type { KeyRing } from '../lib/key-ring.ts';
import { kafkaAccess } from '../model/kafka-connection.ts';
import { tlsOptions } from '../model/tls-files.ts';
import { AmqpTopics } from '../topics/amqp/amqp-topics.ts';
import { KafkaTopics } from '../topics/kafka/kafka-topics.ts';
import { type PartitionRef, partitionName, type Topics } from '../topics/topic.ts';
import { tellOfKafka, tellOfTopics } from './cluster-reporters.ts';
import type { PlacesOptions } from './places.ts';

/** Topics that all agents of a cluster reach, and the record that is kept beside them. Nothing is connected before it is asked for. */
export interface SharedTopics extends Topics {
  controlLog(cluster: string): ControlLog;
}

const requestTimeoutMs = 10_000;

export async function openTopics(options: PlacesOptions, { topics }: ClusterConfig, keys: KeyRing): Promise<SharedTopics> {
  const { config, clock, random, emit } = options;
  const read = (path: string) => readConfigured(path, config.baseDir);
  const onBounded = (partition: PartitionRef, since: number | null) =>
    emit(since === null ? 'topic:room' : 'topic:bounded', { partition: partitionName(partition) });
  if (topics.kind === 'kafka') {
    const secret = (path: string) => readSecret(path, config.baseDir);
    return new KafkaTopics({
      settings: async () => ({
        ...(await kafkaAccess(topics.connection, read, secret)),
        clientId: `ceilograph-${config.cluster}`,
        requestTimeoutMs,
      }),
      keys,
      clock,
      random,
      replication: topics.replication,
      boundBytes: config.topicBoundBytes,
      onBounded,
      report: (event) => tellOfKafka(emit, event),
    });
  }
  const { urls, passwordFile } = topics;
  return new AmqpTopics({
    urls: async () => {
      const password = passwordFile === null ? null : await readSecret(passwordFile, undefined);
      return urls.map((url) => withPassword(url, password));
    },
    socket: await tlsOptions(topics.tls, read),
    keys,
    clock,
    random,
    name: `ceilograph ${config.cluster}`,
    onBounded,
    report: (event) => tellOfTopics(emit, event),
  });
}

function withPassword(text: string, password: string | null): string {
  if (password === null) return text;
  const url = new URL(text);
  url.password = encodeURIComponent(password);
  return url.href;
}
