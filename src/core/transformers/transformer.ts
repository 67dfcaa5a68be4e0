import type { ZodType } from 'zod';
import type { Item, ItemKind } from '../../model/item.ts';
import type { Json } from '../../model/json.ts';

/**
 * What a transformer is: a pure reducer over keyed state. The kernel keeps the states, hands in the one that belongs to the item,
 * and writes what came back. That is what lets a worker commit state, dedupe marks and outbox in one fenced write, move a
 * partition without losing an aggregate, and replay a crash in a unit test.
 *
 * Laws, checked by generic tests for every registry entry (`test/unit/transformers/laws.test.ts`):
 * 1. the registry holds exactly the folders on disk;
 * 2. the examples run and give what they say;
 * 3. state may cross JSON (our lossless codec) between any two calls without changing a result;
 * 4. nothing handed in is changed;
 * 5. every item is emitted, held in state or counted as dropped with a reason; it never just vanishes;
 * 6. flushing twice, or calling `due` twice at one time, emits nothing the second time;
 * 7. the same input gives the same output and the same ids (no clock, no randomness).
 */
export interface Time {
  /**
   * Partition time in ms: only moves while the partition lives (design 3). Deadlines, timeouts, idle expiry and horizons are
   * measured in it.
   */
  readonly partition: number;
  /** Event-time watermark in epoch ms: largest event time seen in the partition plus partition time passed since. Windows close by it. */
  readonly watermark: number;
  /** Wall clock in epoch ms as the entries say (ticks, listener stamps), never read from a clock. For Ceilometer's `retention_time`. */
  readonly now: number;
}

/**
 * One emitted item. Its id is set by the chain: H(cluster, sink, transformer path, basis, index). `basis` names what the output
 * stands for when that is not the triggering input (a window: `[...key, windowStart]`), so that the id does not depend on which
 * item happened to close it. An item handed in and emitted unchanged (the same object) keeps its id.
 */
export interface Output {
  readonly item: Item;
  readonly basis?: readonly string[];
  /** The item is one that came in earlier and was held, unchanged: it keeps its id even after its state crossed JSON. */
  readonly asIs?: true;
}

export interface Drop {
  /** A stable snake_case word: `no_predecessor`, `out_of_order`, `too_late`, `filtered`, `duplicate`. */
  readonly reason: string;
  readonly count: number;
}

/**
 * An item (or a result) that could not be computed although it concerned the transformer: counted and kept for the dead letters. For a step that throws,
 * the chain makes the letter and writes no state; a transformer returns one itself when Ceilometer had moved its cache
 * before it failed.
 */
export interface Failure {
  readonly message: string;
  /** What is lost, when it is not the item handed in. Without any (a flush that will be tried again), only the failure is counted. */
  readonly item?: Item;
}

export interface KeyedResult<S> {
  /** The key's next state; `null` removes it; the same object as handed in means unchanged (nothing is written). */
  readonly state: S | null;
  readonly out: readonly Output[];
  readonly dropped?: readonly Drop[];
  readonly failed?: Failure;
}

/** Read-only view of all states of one transformer in one partition, in insertion order. */
export interface States<S> {
  get(key: string): S | undefined;
  entries(): IterableIterator<[string, S]>;
  readonly size: number;
}

export interface TableResult<S> {
  /** Changed keys only; `null` removes. */
  readonly writes: readonly (readonly [key: string, state: S | null])[];
  readonly out: readonly Output[];
  readonly dropped?: readonly Drop[];
  readonly failed?: Failure;
}

/** When the kernel should call `due` for a key: at `at` on that clock. */
export interface Deadline {
  readonly clock: 'partition' | 'watermark';
  readonly at: number;
}

/** An item of the examples and the docs: missing fields are filled with defaults by the runner (`exampleItem`). */
export interface Example {
  readonly title: string;
  /** The parameters as an operator writes them. */
  readonly yaml: string;
  readonly given: readonly Readonly<Record<string, Json>>[];
  /** What comes out, in order, compared on the fields named here. */
  readonly expect: readonly Readonly<Record<string, Json>>[];
  /** Time passing after the last item, on both clocks, before `expect` is compared. */
  readonly thenMs?: number;
}

interface Stateful<S> {
  /** True for a state that holds no item, only the memory of one: it may go without anything being counted. Default: all hold items. */
  forgets?(state: S): boolean;
}

interface Common<P> {
  readonly name: string;
  readonly summary: string;
  readonly takes: readonly ItemKind[];
  readonly Parameters: ZodType<P>;
  readonly examples: readonly Example[];
  /**
   * The item attributes that the state's key is made of, as `partition_by` names them (`resource_id`, `name`, `traits.instance_id`).
   * `partition_by` must be a subset, else the configuration is refused. Stateless: undefined, any partitioning is right.
   */
  partitionKeys?(parameters: P): readonly string[] | undefined;
  /** True when results depend on the order of items of one key: the worker then sorts per key within a lateness bound. */
  readonly orderSensitive?: boolean;
  /** True when it needs ticks even though no state has a deadline (Ceilometer's `retention_time` looks at `now` at every flush). */
  needsTime?(parameters: P): boolean;
  /** What loads, because Ceilometer loaded it, but cannot do what it says: an unknown parameter, an expression that never evaluates. */
  problems?(parameters: P): readonly string[];
  /** Attributes it may rewrite: a stateful step behind it that is keyed by one of them cannot be partitioned by the original. */
  rewrites?(parameters: P): readonly string[];
  /** The kind it emits, when that is not the kind it takes. */
  gives?(parameters: P, takes: ItemKind): ItemKind;
}

/** No state at all: a sink of only these may run direct. */
export interface StatelessTransformer<P> extends Common<P> {
  readonly scope: 'none';
  step(parameters: P, item: Item): { readonly out: readonly Output[]; readonly dropped?: readonly Drop[] };
}

/** State per key. */
export interface KeyedTransformer<P, S> extends Common<P>, Stateful<S> {
  readonly scope: 'key';
  readonly State: ZodType<S>;
  /** The parts of the item's key, or `null` when it does not concern this transformer and passes through unchanged. */
  key(parameters: P, item: Item): readonly string[] | null;
  step(parameters: P, state: S | undefined, item: Item, time: Time): KeyedResult<S>;
  deadline?(parameters: P, state: S): Deadline | null;
  /** Called once the deadline has passed; the key parts are handed in as they were. */
  due?(parameters: P, state: S, key: readonly string[], time: Time): KeyedResult<S>;
  /** How far behind its watermark it emits: the steps behind it see a watermark that much lower, so that its output is not late. */
  delayMs?(parameters: P): number;
  /** At this many keys a new one makes the one that is due first on the partition's clock forgotten, uncalled. Undefined: no bound. */
  maxKeys?(parameters: P): number;
  /** A state untouched for this long in partition time is as if it were not there. Undefined: never. */
  idleAfterMs?(parameters: P): number | undefined;
  // For another number of partitions (`topics apply`), when states move by key:
  /**
   * The values of `partitionKeys`, in their order, that a key may have been made of. Default: its parts. Several, or none: the key does not
   * say, and its state goes to each partition that may be meant; where it is not, nobody asks for it.
   */
  origins?(parameters: P, key: readonly string[]): readonly (readonly string[])[];
  /** Which of two states that met under one key counts. Default: the first. */
  newer?(a: S, b: S): S;
  /** The same state where partition time is `ms` later: for states that hold partition times. Without it a deadline may come late, never early. */
  shift?(state: S, ms: number): S;
}

/** Where rows of a table go when the number of partitions changes. */
export interface Relocation {
  /** How many there will be. */
  readonly partitions: number;
  /** Where an item with these values of the partition's attributes goes. */
  home(value: (attribute: string) => string): number;
  /** The attributes of an item that holds them unchanged. */
  valuesOf(item: Item): (attribute: string) => string;
  /** Everywhere where something of this old partition may go. */
  reachable(from: number): readonly number[];
}

export interface PlacedRow<S> {
  /** The old partition. */
  readonly from: number;
  readonly key: string;
  readonly state: S;
}

/** State whose meaning depends on all keys of the partition (accumulator, aggregator's `size`, arithmetic's timestamp). */
export interface TableTransformer<P, S> extends Common<P>, Stateful<S> {
  readonly scope: 'partition';
  readonly State: ZodType<S>;
  step(parameters: P, states: States<S>, item: Item, time: Time): TableResult<S>;
  /** After every notification (Ceilometer's flush with `batch_size` 1); its output enters the next transformer. */
  flush?(parameters: P, states: States<S>, time: Time): TableResult<S>;
  /**
   * For another number of partitions (`topics apply`): all rows of all old partitions, in the order of partition and insertion → the rows
   * of each new one, in insertion order. Without it a sink keeps its number for ever.
   */
  relocate?(
    parameters: P,
    rows: readonly PlacedRow<S>[],
    relocation: Relocation,
  ): readonly (readonly (readonly [key: string, state: S])[])[];
}

// biome-ignore lint/suspicious/noExplicitAny: P and S are hidden once a transformer is in the registry; its own schema parses both.
export type AnyTransformer = StatelessTransformer<any> | KeyedTransformer<any, any> | TableTransformer<any, any>;
