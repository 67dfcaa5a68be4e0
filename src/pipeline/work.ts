import type { Delivery } from '../inputs/input.ts';
import type { Part } from '../model/entry.ts';
import type { PartitionRef } from '../topics/topic.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DirectOutput, DirectSink } from './direct-sink.ts';

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
  /** One of the messages was given before: what came of it may be out already. */
  redelivered: boolean;
  /** Given back, for ever: what Ceilometer does with what it cannot convert (its compat mode only). */
  readonly refused: Set<Delivery>;
  readonly letters: NewLetter[];
}

/** What is for direct sinks becomes what their targets get. */
export function computeDirect({ direct, outputs }: Pick<Work, 'direct' | 'outputs'>): void {
  for (const [sink, parts] of direct) {
    const output = sink.compute(parts);
    const earlier = outputs.get(sink);
    if (earlier === undefined) outputs.set(sink, [output]);
    else earlier.push(output);
  }
  direct.clear();
}
