import type { Clock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { Fault } from '../../model/faults.ts';
import { type PartitionRef, partitionName } from '../topic.ts';
import type { Outgoing } from './backlog.ts';
import type { Connection } from './connection.ts';
import { Consumption } from './consumption.ts';
import { bind, declare, exchangeOf, leave, probe, type QueueState, unbind } from './partition-queue.ts';
import { PublishLane } from './publish-lane.ts';
import { genesisType, isGenesis, madeAt, sealed } from './seal.ts';

const firstEntryMs = 2_000;
const confirmMs = 10_000;
const lastReaderMs = 1_000;

export interface Place {
  readonly connection: Connection;
  readonly keys: KeyRing;
  readonly clock: Clock;
  /** See `createPartitions`. */
  readonly settleMs: number;
}

/**
 * Runs under the catalog's lock, so nobody else creates. Declared, left alone for `settleMs`, given its genesis entry over a key of its
 * own, and only then bound under its name: before that nobody's entries reach it.
 *
 * The pause is for the broker. RabbitMQ 3.10 keeps the register of its quorum queues in a file that it writes every half second; killed
 * before that, it starts a new queue with that name, empty and without a leader for ever, whatever it had confirmed (tried: 4 of 4).
 *
 * A queue that is there but not listed was left by somebody who died on the way, and is gone on with.
 */
export async function createPartitions(
  place: Place,
  refs: readonly PartitionRef[],
  genesis: (ref: PartitionRef) => Uint8Array,
  boundBytes: number,
  isListed: (queue: string) => boolean,
): Promise<void> {
  const { connection, clock, settleMs } = place;
  const fresh: PartitionRef[] = [];
  for (const ref of refs) {
    const queue = partitionName(ref);
    const known = isListed(queue) && (await probe(connection, queue, clock)) !== null;
    const { ready, consumers } = await declare(connection, exchangeOf(ref.cluster), queue, boundBytes);
    if (!known && ready === 0 && consumers === 0) fresh.push(ref);
  }
  if (fresh.length > 0) await clock.sleep(settleMs);
  for (const ref of fresh) await begin(place, ref, genesis(ref));
  for (const ref of refs) await bind(connection, exchangeOf(ref.cluster), partitionName(ref));
}

/** A partition that was created before: its arguments are the same, and it is bound, should somebody have removed that. */
export async function assertPartition(connection: Connection, ref: PartitionRef, boundBytes: number): Promise<void> {
  await declare(connection, exchangeOf(ref.cluster), partitionName(ref), boundBytes);
  await bind(connection, exchangeOf(ref.cluster), partitionName(ref));
}

async function begin({ connection, keys, clock }: Place, ref: PartitionRef, bytes: Uint8Array): Promise<void> {
  const queue = partitionName(ref);
  const exchange = exchangeOf(ref.cluster);
  const key = `genesis of ${queue}`;
  await bind(connection, exchange, queue, key);
  const headers = sealed(keys, queue, bytes, clock.now());
  await publishOne(connection, clock, { ref, exchange, queue, key, bytes, headers, type: genesisType });
  await unbind(connection, exchange, queue, key);
}

async function publishOne(connection: Connection, clock: Clock, entry: Outgoing): Promise<void> {
  let settle: (fault: Fault | null) => void = () => {};
  const settled = new Promise<Fault | null>((resolve) => {
    settle = resolve;
  });
  const lane = await PublishLane.open(connection, clock, confirmMs, ({ fault }) => settle(fault));
  lane.send(entry, () => settle(null));
  const fault = await settled;
  await lane.close();
  if (fault !== null) throw fault;
}

interface First {
  readonly genesis: boolean;
  readonly at: number | null;
  readonly bytes: number;
}

/**
 * Looks at the first entry and gives it back. Only when nobody reads or may begin to: whoever comes now waits until we left, is given what follows, and this entry only behind all
 * that it takes at first (RabbitMQ 3.10). Returns when the broker has it back, so that who looks again finds the same.
 */
export async function firstOf(connection: Connection, queue: string, clock: Clock): Promise<First | null> {
  const consumption = await Consumption.open(connection, queue, clock);
  const over = new AbortController();
  let first: First | null = null;
  await consumption.start(1, ({ properties, content }) => {
    first = { genesis: isGenesis(properties), at: madeAt(properties), bytes: content.byteLength };
    over.abort();
  });
  await clock.sleep(firstEntryMs, over.signal).catch(() => undefined);
  await consumption.close();
  await readersGone(connection, queue, clock);
  return first;
}

/** A consumer whose channel was closed a moment ago may still be counted, and have what it took. */
async function readersGone(connection: Connection, queue: string, clock: Clock): Promise<QueueState | null> {
  const until = clock.monotonic() + lastReaderMs;
  for (;;) {
    const state = await probe(connection, queue, clock);
    if (state === null || state.consumers === 0 || clock.monotonic() >= until) return state;
    await clock.sleep(20);
  }
}

/**
 * Quorum queues know neither `if-empty` nor `if-unused` (540, the whole connection), so we look ourselves: nobody else consumes, and
 * there is nothing but, perhaps, the genesis entry. Unbound before that look, so that nothing comes in behind it: whoever still appends to an
 * old generation is told that there is no such topic. One that is not empty is bound again.
 */
export async function retirePartition(connection: Connection, ref: PartitionRef, clock: Clock): Promise<void> {
  const queue = partitionName(ref);
  if ((await probe(connection, queue, clock)) === null) return;
  await unbind(connection, exchangeOf(ref.cluster), queue, queue);
  try {
    await requireEmpty(connection, queue, clock);
  } catch (error) {
    await bind(connection, exchangeOf(ref.cluster), queue);
    throw error;
  }
  const channel = await connection.channel();
  await channel.deleteQueue(queue);
  leave(channel);
}

async function requireEmpty(connection: Connection, queue: string, clock: Clock): Promise<void> {
  const state = await readersGone(connection, queue, clock);
  if (state === null) return;
  const { ready, consumers } = state;
  if (consumers > 0) throw new Fault('retryable', 'topic_in_use', `${queue} is still read by somebody`);
  const genesis = ready === 1 && (await firstOf(connection, queue, clock))?.genesis === true;
  if (ready > 0 && !genesis) throw new Fault('retryable', 'topic_not_empty', `${queue} still holds ${ready} entries`);
}
