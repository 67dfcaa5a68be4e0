import type { Clock } from '../lib/clock.ts';
import type { Part } from '../model/entry.ts';
import type { ItemKind } from '../model/item.ts';

/**
 * Where raw notifications come from. The listener takes batches, and settles each delivery once its outputs are durable.
 *
 * Promises of every input (suite: `test/contract/input.contract.ts`):
 * - A delivery that was neither settled nor rejected comes again (AMQP, file) or its sender is told it was not taken (HTTP).
 * - `deliver` is awaited before more than `prefetch` unsettled deliveries are outstanding: back-pressure reaches the source.
 * - A source that gives a delivery to somebody else when it does not hear from us says so by the delivery's custody.
 * - An input reconnects by itself with backoff; it ends only by its signal, by its natural end (a file read once), or by a fatal Fault.
 */
export interface Delivery {
  /** The body as it came, not yet decoded. Plain JSON, or an oslo.messaging envelope v1 or v2. */
  readonly body: Uint8Array;
  /** Where it came from, for dead letters and traces: `amqp://nova/notifications.info`, `file:in.jsonl:17`. */
  readonly origin: string;
  /** From the transport when the body has none. */
  readonly priority: string | undefined;
  readonly redelivered: boolean;
  /** The header of that name, where the transport has one and it is one. */
  readonly traceparent?: string | undefined;
  /** Without one it is ours until it is settled or given back (a line of a file). */
  readonly custody?: Custody;
  /** A dead letter on its way again: what of it is still wanted. */
  readonly again?: Again;
  /** Nobody will ask for the body again: until the output is durable it need not be kept. */
  bodyRead?(): void;
  /** The output is durable: acknowledge. May be cumulative inside; settled in the order of delivery. */
  settle(): void;
  /** It cannot be taken now: give it back. Never for poison (that is dead-lettered, then settled). */
  giveBack(): void;
}

/**
 * `notification`: the body is a raw message of which one kind of items stands already, or none (null). `items`: the body is not read; these
 * enter the sink as they are, under ids that were not there before.
 */
export type Again =
  | { readonly kind: 'notification'; readonly only: ItemKind | null }
  | { readonly kind: 'items'; readonly sink: string; readonly parts: readonly Part[] };

/** How sure it is that what a source delivered is still ours. Deliveries of one connection share one. */
export interface Custody {
  /** Aborts once the source may give the deliveries to another listener. */
  readonly lost: AbortSignal;
  /** Ask right before anything that comes of them is sent: after a pause of ours it knows earlier than `lost`. */
  holds(): boolean;
}

export interface InputContext {
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Take no more. Unsettled deliveries may still be settled. */
  readonly soft: AbortSignal;
  /** Leave now. */
  readonly hard: AbortSignal;
  /** Resolves when the listener has room for more. Deliveries stay unsettled until their outputs are durable. */
  readonly deliver: (deliveries: readonly Delivery[]) => Promise<void>;
  readonly report: (event: InputEvent) => void;
  /** Relative paths of the configuration are meant from here; without it from the working directory. */
  readonly baseDir?: string | undefined;
  /** Where an input keeps what must survive a restart (the position in a file). Without it nothing is kept. */
  readonly dataDir?: string | undefined;
}

export type InputEvent =
  | { readonly kind: 'connected'; readonly detail: string }
  | { readonly kind: 'disconnected'; readonly detail: string; readonly retryInMs: number }
  | { readonly kind: 'blocked' | 'unblocked'; readonly detail: string };

export interface Input {
  /** Runs until its end; resolves when the source is exhausted or `soft` aborted and nothing is outstanding. */
  run(): Promise<void>;
  /**
   * After everything delivered so far was settled: resolves once the source has surely seen those settlements (AMQP: one
   * synchronous call on that channel). Ids before this point need not be remembered for ever.
   *
   * Rejects, retryable with code `settlements_lost`, once after a connection was lost with anything unproven on it: whatever was
   * delivered before that moment may come again at any time, however many later calls succeed.
   */
  prove(): Promise<void>;
  /** Sends a canary through the input's own raw source, to come back as a delivery; `false`: it cannot (progress stands in). */
  sendCanary(body: Uint8Array): Promise<boolean>;
  close(): Promise<void>;
}

export interface InputKind<P> {
  readonly name: string;
  readonly summary: string;
  open(parameters: P, context: InputContext): Promise<Input>;
}
