import type { Clock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { Fault } from '../../model/faults.ts';
import { type PartitionRef, partitionName } from '../topic.ts';
import type { Connection } from './connection.ts';
import { Consumption } from './consumption.ts';
import { declare, leave, probe } from './partition-queue.ts';
import { PublishLane } from './publish-lane.ts';
import { genesisType, isGenesis, madeAt, sealed } from './seal.ts';

const firstEntryMs = 2_000;
const genesisMs = 10_000;

export interface Place {
  readonly connection: Connection;
  readonly keys: KeyRing;
  readonly clock: Clock;
}

/**
 * Runs under the catalog's lock, so nobody else creates. A queue that is there but not listed was left by somebody who died before its
 * genesis entry; whatever a listener has put in meanwhile then stands before it, which does no harm: a queue needs no anchor.
 */
export async function createPartition(
  place: Place,
  ref: PartitionRef,
  genesis: Uint8Array,
  boundBytes: number,
  isListed: boolean,
): Promise<void> {
  const queue = partitionName(ref);
  const { connection, keys, clock } = place;
  const before = await probe(connection, queue, clock);
  await declare(connection, queue, boundBytes);
  if (before !== null && (isListed || before.ready > 0 || before.consumers > 0)) return;
  await new Promise<void>((resolve, reject) => {
    const headers = sealed(keys, queue, genesis, clock.now());
    PublishLane.open(connection, clock, genesisMs, ({ fault }) => reject(fault)).then((lane) => {
      lane.send({ ref, queue, bytes: genesis, headers, type: genesisType }, () => lane.close().then(resolve, reject));
    }, reject);
  });
}

interface First {
  readonly genesis: boolean;
  readonly at: number | null;
  readonly bytes: number;
}

/** Looks at the first entry and gives it back: only when nobody else reads, for whoever comes now waits until we left. */
export async function firstOf(connection: Connection, queue: string, clock: Clock): Promise<First | null> {
  const consumption = await Consumption.open(connection, queue);
  const over = new AbortController();
  let first: First | null = null;
  await consumption.start(1, ({ properties, content }) => {
    first = { genesis: isGenesis(properties), at: madeAt(properties), bytes: content.byteLength };
    over.abort();
  });
  await clock.sleep(firstEntryMs, over.signal).catch(() => undefined);
  await consumption.close();
  return first;
}

/**
 * Quorum queues know neither `if-empty` nor `if-unused` (540, the whole connection), so we look ourselves: nobody else consumes, and
 * there is nothing but, perhaps, the genesis entry. Nobody appends to an old generation any more.
 */
export async function retirePartition(connection: Connection, queue: string, clock: Clock): Promise<void> {
  const state = await probe(connection, queue, clock);
  if (state === null) return;
  const { ready, consumers } = state;
  if (consumers > 0) throw new Fault('retryable', 'topic_in_use', `${queue} is still read by somebody`);
  const genesis = ready === 1 && (await firstOf(connection, queue, clock))?.genesis === true;
  if (ready > 0 && !genesis) throw new Fault('retryable', 'topic_not_empty', `${queue} still holds ${ready} entries`);
  const channel = await connection.channel();
  await channel.deleteQueue(queue);
  leave(channel);
}
