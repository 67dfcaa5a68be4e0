import type { Item } from '../../model/item.ts';
import { itemId, withId } from '../../model/item.ts';
import { stableId } from '../../model/stable-hash.ts';
import { type InTurns, runThrough } from '../in-turns.ts';
import { reorder, reorderParameters } from './reorder.ts';
import { type RunningStep, runningStep, type Sent } from './running-step.ts';
import type { AnyTransformer, Drop, Output, Time } from './transformer.ts';

/**
 * The kernel of computing: the steps of one sink over the states of one partition. Pure and synchronous; the worker, the direct
 * mode, replay and the tests all run this.
 *
 * The order of things, which outputs depend on:
 * 1. `applyNotification`: item by item through all steps, then every step is flushed and its output enters the next (Ceilometer's flush).
 *    Steps see the watermark as it was before the notification, so that items of one notification never make each other late.
 * 2. `advance`: due keys step by step, by (deadline, key), the watermark's before the partition's; their output goes on through the later steps.
 *
 * An item that makes a step fail is lost alone: it becomes a letter, its state is not written, its neighbours go on.
 */
export interface Chain {
  applyNotification(notificationId: string, items: readonly Item[], time: Time): ChainResult;
  advance(time: Time): ChainResult;
  /** What changed since the last call, as the store keeps it: key `<place>/<transformer>/<key>`. */
  takeDirty(): { readonly set: readonly (readonly [string, string])[]; readonly del: readonly string[] };
  /** Stored states in any order, a later one replacing an earlier; null removes. Then `resume`, once, before anything else. */
  load(chunk: readonly (readonly [key: string, value: string | null])[], ofOpenRound?: boolean): void;
  resume(time: Time): void;
  resuming(time: Time): InTurns;
  /** The next `most` keys with their values as of now, round and round over all of them; fewer at the end of a round. */
  rolling(most: number): Rolling;
  readonly size: number;
  readonly stateful: boolean;
  readonly needsTime: boolean;
  /** What `partition_by` must be a subset of; undefined when any partitioning is right. */
  readonly partitionKeys: readonly string[] | undefined;
}

export interface Rolling {
  readonly rows: readonly (readonly [string, string])[];
  readonly roundStart: boolean;
  readonly roundEnd: boolean;
}

export interface ChainResult {
  readonly out: readonly Item[];
  readonly dropped: readonly Drop[];
  /** Items lost to a failure. They are counted here, not in `dropped`. */
  readonly letters: readonly ChainLetter[];
}

export interface ChainLetter {
  readonly reason: 'transformer_error';
  readonly message: string;
  readonly item: Item;
  /** No step has changed it: the same item may enter the chain again. */
  readonly asItCame?: true;
}

export interface ChainStep {
  readonly transformer: AnyTransformer;
  /** As the transformer's own schema parsed them. */
  readonly parameters: unknown;
}

export interface ChainOptions {
  readonly cluster: string;
  readonly sink: string;
  readonly steps: readonly ChainStep[];
  /** Sort the items of each partition key by event time first, holding each for so long (`order: event`). Undefined: as they come. */
  readonly order?: { readonly latenessMs: number; readonly partitionBy: readonly string[] } | undefined;
}

export function createChain(options: ChainOptions): Chain {
  return new SinkChain(options);
}

export interface PlacedStep extends ChainStep {
  /** Where it stands in its chain: with its name the beginning of the keys of its states. */
  readonly place: string;
}

/** The steps as they run: with `order` the one that sorts comes first. */
export function placedSteps(steps: readonly ChainStep[], order: ChainOptions['order']): readonly PlacedStep[] {
  const placed = steps.map((step, index) => ({ ...step, place: `${index}` }));
  if (order === undefined) return placed;
  return [{ transformer: reorder, parameters: reorderParameters(order), place: 'order' }, ...placed];
}

class SinkChain implements Chain {
  readonly #cluster: string;
  readonly #sink: string;
  readonly #steps: readonly RunningStep[];
  readonly #byPrefix: ReadonlyMap<string, RunningStep>;
  readonly stateful: boolean;
  readonly needsTime: boolean;
  readonly partitionKeys: readonly string[] | undefined;
  /** How much lower than the partition's a step's watermark is. */
  readonly #delays: readonly number[];
  #watermark = Number.NEGATIVE_INFINITY;
  /** The step that the open round has come to; null between two rounds. */
  #rollingStep: number | null = null;
  #out: Item[] = [];
  #dropped: Map<string, number> | null = null;
  #letters: ChainLetter[] = [];
  readonly #sorts: boolean;
  /** What entered the chain last. */
  #entered: Item | null = null;

  constructor({ cluster, sink, steps, order }: ChainOptions) {
    this.#cluster = cluster;
    this.#sink = sink;
    this.#sorts = order !== undefined;
    this.#steps = placedSteps(steps, order).map(({ transformer, parameters, place }) =>
      runningStep(transformer, parameters, place),
    );
    this.#byPrefix = new Map(this.#steps.map((step) => [step.prefix, step]));
    let delayMs = 0;
    this.#delays = this.#steps.map((step) => {
      const before = delayMs;
      delayMs += step.delayMs;
      return before;
    });
    this.stateful = this.#steps.some((step) => step.table !== null);
    this.needsTime = this.#steps.some((step) => step.needsTime);
    this.partitionKeys = commonKeys(steps);
  }

  get size(): number {
    let size = 0;
    for (const { table } of this.#steps) size += table?.size ?? 0;
    return size;
  }

  applyNotification(notificationId: string, items: readonly Item[], time: Time): ChainResult {
    const before: Time = { partition: time.partition, watermark: this.#watermark, now: time.now };
    for (const item of items) {
      this.#entered = item;
      this.#send(0, item, before);
    }
    this.#entered = null;
    for (let i = 0; i < this.#steps.length; i++) this.#flush(i, notificationId, before);
    return this.#result();
  }

  advance(time: Time): ChainResult {
    const before: Time = { partition: time.partition, watermark: this.#watermark, now: time.now };
    this.#watermark = Math.max(this.#watermark, time.watermark);
    const after: Time = { partition: time.partition, watermark: this.#watermark, now: time.now };
    for (let i = 0; i < this.#steps.length; i++) {
      const step = this.#steps[i] as RunningStep;
      const own = this.#timeOf(i, after);
      for (let key = step.takeDue(own); key !== undefined; key = step.takeDue(own)) this.#runDue(i, step, key, own, before);
      if (step.needsTime || step.fed) this.#flush(i, `tick ${time.partition} ${time.watermark}`, before);
      step.sweep(own);
    }
    return this.#result();
  }

  #timeOf(index: number, time: Time): Time {
    const delay = this.#delays[index] as number;
    return delay === 0 ? time : { ...time, watermark: time.watermark - delay };
  }

  /** What is due is sent on under the watermark from before, as everything that enters a step: its own due keys come after. */
  #runDue(index: number, step: RunningStep, key: string, own: Time, before: Time): void {
    try {
      this.#emit(index, step.due(key, own), null, key, before);
    } catch (error) {
      if (isFatal(error)) throw error;
      this.#drop('due_failed', 1);
    }
  }

  #flush(index: number, notificationId: string, time: Time): void {
    const step = this.#steps[index] as RunningStep;
    step.fed = false;
    try {
      const sent = step.flush(time);
      if (sent !== null) this.#emit(index, sent, null, notificationId, time);
    } catch (error) {
      if (isFatal(error)) throw error;
      this.#drop('flush_failed', 1);
    }
  }

  /** Through the steps from `index` on. Recursion only where a step emits; its depth is the number of steps. */
  #send(index: number, item: Item, time: Time): void {
    const step = this.#steps[index];
    if (step === undefined) {
      this.#out.push(item);
      return;
    }
    let sent: Sent;
    try {
      sent = step.step(item, this.#timeOf(index, time));
      step.fed = true;
    } catch (error) {
      if (isFatal(error)) throw error;
      this.#letter(index, item, item, error instanceof Error ? error.message : String(error));
      return;
    }
    this.#emit(index, sent, item, '', time);
  }

  #emit(index: number, sent: Sent, input: Item | null, trigger: string, time: Time): void {
    if (sent.dropped !== undefined) for (const { reason, count } of sent.dropped) this.#drop(reason, count);
    if (sent.failed !== undefined) {
      const lost = sent.failed.item ?? input;
      if (lost === null) this.#drop('flush_failed', 1);
      else this.#letter(index, lost, input, sent.failed.message);
    }
    const { out } = sent;
    // The index in an id counts outputs of the same basis: how many other windows closed in the same call must not show in it.
    const places = out.length > 1 ? new Map<string, number>() : null;
    for (const output of out) {
      if (output.item === input || output.asIs === true) this.#send(index + 1, output.item, time);
      else this.#send(index + 1, this.#identify(index, output, input === null ? trigger : itemId(input), places), time);
    }
  }

  #identify(index: number, { item, basis }: Output, trigger: string, places: Map<string, number> | null): Item {
    let place = 0;
    if (places !== null) {
      const name = basis?.join('\n') ?? '';
      place = places.get(name) ?? 0;
      places.set(name, place + 1);
    }
    const { path } = this.#steps[index] as RunningStep;
    return withId(item, stableId([this.#cluster, this.#sink, path, ...(basis ?? [trigger]), `${place}`]));
  }

  #drop(reason: string, count: number): void {
    this.#dropped ??= new Map();
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
  }

  #letter(index: number, item: Item, input: Item | null, message: string): void {
    // What was sorted leaves as it came, though later.
    const asItCame = item === this.#entered || (this.#sorts && index === 1 && item === input);
    this.#letters.push({ reason: 'transformer_error', message, item, ...(asItCame ? { asItCame } : {}) });
  }

  #result(): ChainResult {
    const dropped = this.#dropped === null ? noDrops : Array.from(this.#dropped, ([reason, count]) => ({ reason, count }));
    const result = { out: this.#out, dropped, letters: this.#letters };
    this.#out = [];
    this.#dropped = null;
    this.#letters = [];
    return result;
  }

  takeDirty(): { set: [string, string][]; del: string[] } {
    const set: [string, string][] = [];
    const del: string[] = [];
    for (const { table, prefix } of this.#steps) table?.takeDirty(prefix, set, del);
    return { set, del };
  }

  load(chunk: readonly (readonly [key: string, value: string | null])[], ofOpenRound = false): void {
    if (ofOpenRound) this.#rollingStep = 0;
    for (const [key, text] of chunk) {
      const border = key.indexOf('/', key.indexOf('/') + 1) + 1;
      // A key of a step that no longer exists belongs to a former configuration and is left alone.
      this.#byPrefix.get(key.slice(0, border))?.table?.load(key.slice(border), text, ofOpenRound);
    }
  }

  resume(time: Time): void {
    runThrough(this.resuming(time));
  }

  *resuming(time: Time): InTurns {
    this.#watermark = time.watermark;
    for (const step of this.#steps) {
      if (step.table !== null) yield* step.table.loaded();
      yield* step.resuming();
    }
  }

  rolling(most: number): Rolling {
    if (most === 0) return noRolling;
    const rows: [string, string][] = [];
    const roundStart = this.#rollingStep === null;
    let at = this.#rollingStep ?? 0;
    while (at < this.#steps.length) {
      const { table, prefix } = this.#steps[at] as RunningStep;
      if (table !== null && !table.roll(prefix, most, rows)) break;
      at += 1;
    }
    const roundEnd = at === this.#steps.length;
    this.#rollingStep = roundEnd ? null : at;
    return { rows, roundStart, roundEnd };
  }
}

const noRolling: Rolling = Object.freeze({ rows: Object.freeze([]), roundStart: false, roundEnd: false });
const noDrops: readonly Drop[] = Object.freeze([]);

/** Only what the state's own schema refuses stops the partition: computing on would overwrite what we could not read. */
function isFatal(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'bad_state';
}

/** Each stateful step allows the attributes its key is made of, unless an earlier step may rewrite them. */
function commonKeys(steps: readonly ChainStep[]): readonly string[] | undefined {
  let common: readonly string[] | undefined;
  const rewritten = new Set<string>();
  for (const { transformer, parameters } of steps) {
    const keys = transformer.partitionKeys?.(parameters)?.filter((key) => !rewritten.has(key));
    if (keys !== undefined) common = common === undefined ? keys : common.filter((key) => keys.includes(key));
    for (const attribute of transformer.rewrites?.(parameters) ?? []) rewritten.add(attribute);
  }
  return common;
}
