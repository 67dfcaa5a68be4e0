import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { ControlLog, ControlRecord } from '../../coordination/control-log.ts';
import type { Clock } from '../../lib/clock.ts';
import type { FetchedMessage } from '../../lib/kafka-client.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { Fault } from '../../model/faults.ts';
import type { KafkaClient } from './client.ts';
import { kafkaFault } from './kafka-fault.ts';
import type { Reader } from './reader.ts';
import { header, sealed, whyUnsealed } from './seal.ts';
import { ensureTopic, nullIfMissing } from './topic-life.ts';

const Layout = z.object({ generation: z.int(), partitions: z.int(), partitionBy: z.array(z.string()), uuid: z.string() });
const Stored = z.object({
  version: z.int(),
  /** Which try wrote it. */
  nonce: z.string(),
  value: z.object({
    clusterId: z.string(),
    incarnation: z.int(),
    epochFloor: z.int(),
    layouts: z.record(z.string(), Layout),
  }),
});

interface Current {
  readonly version: number;
  readonly nonce: string;
  readonly value: ControlRecord;
  readonly offset: number;
  readonly kid: string | null;
}

export interface ControlTopicDeps {
  readonly client: KafkaClient;
  readonly reader: Reader;
  readonly keys: KeyRing;
  readonly clock: Clock;
  readonly replication: number | null;
}

const triesAtMost = 50;

/**
 * The control record of a cluster, in the topic `cg.<cluster>.control` of one partition. There is no lock: a writer appends version + 1 and
 * reads on to see whether his was the first of that version. Of equal versions the first counts, whoever reads; what is no successor of the
 * record before it counts as nothing. Records before the one that counts are trimmed.
 *
 * A writer that does not hear whether his record arrived throws; one that finds another's in its place changes that one. So a change may
 * come to be made twice, the second time on top of the first, and must bear it: what it sets is set, what it raises is raised further.
 */
export class ControlTopic implements ControlLog {
  readonly #topic: string;
  readonly #deps: ControlTopicDeps;

  constructor(cluster: string, deps: ControlTopicDeps) {
    this.#topic = `cg.${cluster}.control`;
    this.#deps = deps;
  }

  async read(): Promise<ControlRecord | null> {
    const current = await this.#current();
    if (current === null) return null;
    // Signed by a key that is going out of use: written once more, before nobody accepts it any longer.
    if (current.kid !== this.#deps.keys.sign('').kid) return this.update((value) => value ?? current.value);
    return current.value;
  }

  async update(change: (current: ControlRecord | null) => ControlRecord): Promise<ControlRecord> {
    const { client } = this.#deps;
    await ensureTopic(this.#deps, this.#topic);
    for (let tries = 0; tries < triesAtMost; tries++) {
      const current = await this.#current();
      const next = change(current?.value ?? null);
      const nonce = randomUUID();
      await this.#append({ version: (current?.version ?? 0) + 1, nonce, value: next });
      const found = await this.#current();
      if (found === null || found.nonce !== nonce) continue;
      await client.trim(this.#topic, new Map([[0, found.offset]]));
      return next;
    }
    throw new Fault('retryable', 'kafka_record_busy', `${this.#topic} was changed by others ${triesAtMost} times in a row`);
  }

  /** Nothing is kept open between two calls. */
  async close(): Promise<void> {}

  /** Null: nothing was ever written. Throws a fatal Fault when a record's signature is wrong. */
  async #current(): Promise<Current | null> {
    const { client, reader, keys } = this.#deps;
    const extent = (await client.extents(this.#topic).catch(nullIfMissing))?.get(0);
    if (extent === undefined || extent.high === extent.low) return null;
    let current: Current | null = null;
    const stored = await reader.range(this.#topic, 0, extent.low, extent.high).catch(nullIfTrimmed);
    if (stored === null) return this.#current(); // somebody wrote a newer one
    for (const message of stored) {
      const why = whyUnsealed(keys, this.#topic, message);
      if (why !== null) throw new Fault('fatal', 'bad_signature', `a record of ${this.#topic} is not ours: ${why}`);
      const { version, nonce, value } = parse(message, this.#topic);
      if (current === null || version === current.version + 1)
        current = { version, nonce, value, offset: Number(message.offset), kid: header(message, 'kid') };
    }
    return current;
  }

  async #append(record: { readonly version: number; readonly nonce: string; readonly value: ControlRecord }): Promise<void> {
    const { client, keys } = this.#deps;
    const bytes = Buffer.from(JSON.stringify(record));
    try {
      const producer = await client.producer();
      try {
        const message = { partition: 0, value: bytes, headers: { ...sealed(keys, this.#topic, bytes) } };
        await producer.send({ topic: this.#topic, acks: -1, messages: [message] });
      } finally {
        await producer.disconnect();
      }
    } catch (thrown) {
      throw kafkaFault(thrown, `writing ${this.#topic}`);
    }
  }
}

function nullIfTrimmed(error: unknown): null {
  if (error instanceof Fault && error.code === 'log_out_of_range') return null;
  throw error;
}

function parse(message: FetchedMessage, topic: string): z.output<typeof Stored> {
  try {
    return Stored.parse(JSON.parse(Buffer.from(message.value ?? []).toString()));
  } catch (error) {
    throw new Fault('fatal', 'bad_record', `a record of ${topic} cannot be read`, { cause: error });
  }
}
