import type { Router } from '../core/route/router.ts';
import type { Delivery } from '../inputs/input.ts';
import type { Clock } from '../lib/clock.ts';
import { type PagePool, TextPages } from '../lib/text-pages.ts';
import type { Part } from '../model/entry.ts';
import type { PartitionRef } from '../topics/topic.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DirectOutput, DirectSink } from './direct-sink.ts';
import { insist } from './insist.ts';

/** Where a routed part goes: straight to publishers, or to a partition of the sink's topic. */
export type ListenerSink =
  | { readonly kind: 'direct'; readonly direct: DirectSink }
  | { readonly kind: 'topic'; readonly partitions: readonly PartitionRef[]; readonly canaries: boolean };

export type NewLetter = Parameters<DeadLetters['record']>[0];

/** Everything that one batch of raw messages came to, as far as it was read. */
export interface Work {
  read: number;
  /** What was read comes to at most. */
  bytes: number;
  readonly parts: Map<PartitionRef, Part[]>;
  readonly canaries: (readonly [feed: string, sentAt: number])[];
  /** For direct sinks, not yet computed … */
  readonly direct: Map<DirectSink, Part[]>;
  /** … and computed, to be delivered. */
  readonly outputs: Map<DirectSink, DirectOutput[]>;
  /** Where the text of these is. */
  readonly pages: TextPages;
  /** One of the messages was given before: what came of it may be out already. */
  redelivered: boolean;
  /** Given back, for ever: what Ceilometer does with what it cannot convert (its compat mode only). */
  readonly refused: Set<Delivery>;
  readonly letters: NewLetter[];
}

export function newWork(pool: PagePool): Work {
  return {
    read: 0,
    bytes: 0,
    parts: new Map(),
    canaries: [],
    direct: new Map(),
    outputs: new Map(),
    pages: new TextPages(pool),
    redelivered: false,
    refused: new Set(),
    letters: [],
  };
}

/** For the router: each part to where its sink takes it, with the trace it belongs to. */
export function into(sinks: readonly ListenerSink[], work: Work, trace?: string): Parameters<Router['route']>[3] {
  return (sinkIndex, partition, routed) => {
    const part = trace === undefined ? routed : { ...routed, trace };
    const sink = sinks[sinkIndex] as ListenerSink;
    if (sink.kind === 'direct') push(work.direct, sink.direct, part);
    else push(work.parts, sink.partitions[partition] as PartitionRef, part);
  };
}

/** What is for direct sinks becomes what their targets get. */
export function computeDirect({ direct, outputs, pages }: Pick<Work, 'direct' | 'outputs' | 'pages'>): void {
  for (const [sink, parts] of direct) push(outputs, sink, sink.compute(parts, pages));
  direct.clear();
}

/** To all direct sinks. The memory of their text is used again only where every one of them was done with it at its first attempt. */
export async function deliverDirect({ outputs, pages, redelivered }: Work, clock: Clock, signal: AbortSignal): Promise<void> {
  const isFree = await Promise.all(
    [...outputs].map(async ([sink, some]) => {
      let attempts = 0;
      const free = await insist(clock, signal, () => {
        attempts += 1;
        return sink.deliver(some, redelivered, signal);
      });
      return free && attempts === 1;
    }),
  );
  if (!isFree.includes(false)) pages.release();
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
