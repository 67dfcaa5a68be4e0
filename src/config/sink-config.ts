import type { AnyTransformer } from '../core/transformers/transformer.ts';
import type { Item, ItemKind } from '../model/item.ts';

/** One transformer of a sink's chain with its parameters as its own schema parsed them. */
export interface SinkStep {
  readonly name: string;
  readonly transformer: AnyTransformer;
  readonly parameters: unknown;
}

/** One target of a sink. `parameters` are parsed by the kind's schema; the lane's share of them is spelled out beside it. */
export interface SinkTarget {
  readonly kind: string;
  /** Unique within the sink. It names the target's outbox, so a renamed target starts with an empty one. */
  readonly name: string;
  readonly parameters: unknown;
  readonly onFull: 'suspend' | 'spill' | 'drop';
  readonly maxOutboxBytes: number;
  readonly batch: { readonly maxItems: number; readonly maxBytes: number; readonly lingerMs: number };
}

/** What a sink takes: an item passes when one of the sources lets its name through, once per such source (as in Ceilometer). */
export interface SinkSource {
  readonly name: string;
  readonly match: readonly string[];
  /** What is taken instead of the item; null: nothing. Before its partition is chosen. */
  readonly as?: (item: Item) => Item | null;
}

export type SinkOrder = { readonly kind: 'arrival' } | { readonly kind: 'event'; readonly latenessMs: number };

/** A sink as the kernel runs it, whatever file it came from. Complete: every default is filled in, every reference resolved. */
export interface SinkConfig {
  /** `[a-z0-9_-]+`, so that it can stand in queue names, file names and keys. Ceilometer's names are escaped into that. */
  readonly sink: string;
  readonly from: ItemKind;
  /** A native sink has one source, named like itself. */
  readonly sources: readonly SinkSource[];
  /** Attributes of the item as it comes in: `resource_id`, `name`, `resource_metadata.<a.b>`, `event_type`, `traits.<name>` … */
  readonly partitionBy: readonly string[];
  readonly partitions: number;
  readonly steps: readonly SinkStep[];
  readonly publish: readonly SinkTarget[];
  readonly order: SinkOrder;
  /** With so many keys a partition stands still. Default: it never does. */
  readonly maxKeys?: number;
  /** `auto`: direct when no step keeps state and coordination is off. */
  readonly direct: boolean | 'auto';
  /** A path: every applied partition entry is written there, for an exact replay. Absolute. */
  readonly record: string | null;
  /** Came from Ceilometer's files. */
  readonly compat: boolean;
  /** `none`: its deadlines go on while an input cannot be heard. Default: they wait. */
  readonly feeds?: 'none';
  /** Of everything that changes what the sink computes or to whom it goes; not of addresses and secrets of its targets. */
  readonly hash: string;
  /** `file:line` of its beginning. */
  readonly origin: string;
}
