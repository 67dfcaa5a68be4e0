import { createRequire } from 'node:module';
import type { Kafka } from 'kafkajs';
import { isCertificateError } from './amqp-reply.ts';

/**
 * The one place that loads kafkajs, which is optional: nobody needs it who has no Kafka. Pinned exactly, for it is no longer maintained
 * and it is this version whose traps we know.
 */
const kafkaPackage = 'kafkajs@2.2.4';

export interface KafkaSettings {
  readonly brokers: readonly string[];
  /** As the brokers' operator shall see us. */
  readonly clientId: string;
  readonly tls: object | null;
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
  /** How long a broker may take to answer. */
  readonly requestTimeoutMs: number;
}

const connectTimeoutMs = 5_000;
/** Our own loops wait with jitter and say so; kafkajs gets one quiet retry, without which it refuses an idempotent producer. */
const oneRetry = { retries: 1, initialRetryTime: 100, maxRetryTime: 500 };

/** Why a configuration that names Kafka cannot run here, and the remedy; null when it can. */
export function kafkaMissing(): { readonly message: string; readonly hint: string } | null {
  try {
    createRequire(import.meta.url).resolve('kafkajs');
    return null;
  } catch {
    return { message: 'needs the package kafkajs, which is not installed', hint: `npm install ${kafkaPackage}` };
  }
}

/** Nothing is connected by it. Rejects with a plain Error of code `kafkajs_missing` when the package is not there. */
export async function openKafka(settings: KafkaSettings): Promise<Kafka> {
  const missing = kafkaMissing();
  if (missing !== null) throw Object.assign(new Error(`Kafka ${missing.message}: ${missing.hint}`), { code: 'kafkajs_missing' });
  const loaded = await import('kafkajs');
  const { Kafka, logLevel } = loaded.default ?? loaded;
  const { brokers, clientId, tls, sasl, requestTimeoutMs } = settings;
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ...(tls === null ? {} : { ssl: tls }),
    ...(sasl === null ? {} : { sasl: sasl as { mechanism: 'plain'; username: string; password: string } }),
    connectionTimeout: connectTimeoutMs,
    authenticationTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry: oneRetry,
    // What goes wrong is thrown, and told by our own events.
    logLevel: logLevel.NOTHING,
  });
}

/** What Kafka or kafkajs refused, for a person to mend (`fatal`), the message's own fault (`poison`), or for time to heal. */
export interface KafkaVerdict {
  readonly class: 'retryable' | 'poison' | 'fatal';
  readonly code: string;
  readonly text: string;
}

const refusals = new Set(['TOPIC_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED']);
const tooLarge = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

export function kafkaVerdict(thrown: unknown, doing: string): KafkaVerdict {
  const chain = causes(thrown);
  const told = chain.at(-1);
  const text = `${doing}: ${told instanceof Error ? told.message : String(told)}`;
  const types = chain.map((each) => (each as { type?: unknown }).type);
  const has = (wanted: (type: string) => boolean) => types.some((type) => typeof type === 'string' && wanted(type));
  const named = (name: string) => chain.some((each) => (each as { name?: unknown }).name === name);
  if (chain.some((each) => (each as { code?: unknown }).code === 'kafkajs_missing'))
    return { class: 'fatal', code: 'kafkajs_missing', text };
  if (named('KafkaJSSASLAuthenticationError') || has((type) => type === 'SASL_AUTHENTICATION_FAILED'))
    return { class: 'fatal', code: 'kafka_refused', text: `${text} (check \`sasl\`)` };
  if (has((type) => refusals.has(type)))
    return { class: 'fatal', code: 'kafka_not_allowed', text: `${text} (check the ACLs of this user)` };
  if (chain.some(isCertificateError)) return { class: 'fatal', code: 'kafka_certificate', text: `${text} (check \`tls\`)` };
  if (named('KafkaJSNotImplemented'))
    return { class: 'fatal', code: 'kafka_compression', text: `${text} (of the compressions only gzip can be read)` };
  if (has((type) => tooLarge.has(type))) return { class: 'poison', code: 'kafka_too_large', text };
  if (has((type) => type === 'UNKNOWN_TOPIC_OR_PARTITION')) return { class: 'retryable', code: 'kafka_no_topic', text };
  return { class: 'retryable', code: 'kafka_disconnected', text };
}

/** kafkajs wraps what happened, sometimes twice. */
function causes(thrown: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  let next: unknown = thrown;
  while (next !== undefined && next !== null && !chain.includes(next) && chain.length < 8) {
    chain.push(next);
    const { cause, originalError } = next as { cause?: unknown; originalError?: unknown };
    next = cause ?? originalError;
  }
  return chain;
}

/** One message as a broker hands it over. */
export interface FetchedMessage {
  readonly offset: string;
  /** When it was made, epoch ms. */
  readonly timestamp: string;
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly isControlRecord?: boolean;
}

interface FetchRequest {
  readonly isolationLevel: 0;
  readonly replicaId: -1;
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }[];
  }[];
}

interface FetchReply {
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly messages: readonly FetchedMessage[] }[];
  }[];
}

interface ListOffsetsRequest {
  readonly replicaId: -1;
  readonly isolationLevel: 0;
  readonly topics: readonly {
    readonly topic: string;
    /** `-2`: the first offset that is there, `-1`: the next one. */
    readonly partitions: readonly { readonly partition: number; readonly timestamp: '-1' | '-2' }[];
  }[];
}

interface ListOffsetsReply {
  readonly responses: readonly {
    readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
  }[];
}

export interface KafkaBroker {
  fetch(request: FetchRequest): Promise<FetchReply>;
  listOffsets(request: ListOffsetsRequest): Promise<ListOffsetsReply>;
}

/** What we use of the connections beneath kafkajs' clients. */
export interface KafkaCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  /** Asked of a broker each time. */
  metadata(which: { readonly topics: readonly string[] }): Promise<{
    readonly topicMetadata: readonly {
      readonly topic: string;
      readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[];
    }[];
  }>;
  findBroker(which: { readonly nodeId: string }): Promise<KafkaBroker>;
}

/**
 * Requests of our own, for reading partitions that are ours by lease: kafkajs' consumer reads none without joining a group, which divides
 * them its own way, stops all of them whenever it divides anew, and begins elsewhere in silence when an offset is gone. The way in is a
 * private one of this pinned version; another version is refused here and not somewhere later.
 */
export function kafkaCluster(kafka: Kafka): KafkaCluster {
  const key = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster');
  const create = key === undefined ? undefined : (kafka as unknown as Record<symbol, unknown>)[key];
  if (typeof create !== 'function')
    throw Object.assign(new Error(`this is not ${kafkaPackage}: npm install ${kafkaPackage}`), { code: 'kafkajs_missing' });
  return create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, maxInFlightRequests: null }) as KafkaCluster;
}
