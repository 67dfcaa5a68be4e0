import type { LeaseToken } from '../coordination/group.ts';
import { parseItemLines } from '../core/convert/wire.ts';
import { aborted } from '../lib/or-aborted.ts';
import type { Turn } from '../lib/turn.ts';
import type { Item } from '../model/item.ts';
import type { OutputTraces } from '../model/output-traces.ts';
import type { Loaded } from '../state/partition-store.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';
import { crashPoint } from './crash-point.ts';
import { insist } from './insist.ts';
import type { Blob, Lane, Outcome } from './lane.ts';
import type { WorkerDeps } from './worker.ts';

type Deps = Pick<WorkerDeps, 'config' | 'store' | 'lanes' | 'tally' | 'clock' | 'watching'>;

/**
 * The outputs of one partition on their way: committed → offered to each lane → accepted by its target → cleared, per lane in the order of
 * the commits. What is not cleared is there for the next owner, who publishes it again under the same ids.
 */
export class PartitionOutbox {
  readonly #deps: Deps;
  readonly #ref: PartitionRef;
  readonly #token: LeaseToken;
  readonly #hard: AbortSignal;
  readonly #fenced: () => void;
  readonly #waitsFor: readonly Lane[];
  /** Per lane, the last of its outputs on the way; true once it and all before are cleared. */
  readonly #clearing = new Map<string, Promise<boolean>>();
  #failure: { readonly error: unknown } | null = null;
  #left = false;

  /** `fenced` is told when a clear shows that the partition belongs to somebody else; `hard` ends every try. */
  constructor(deps: Deps, ref: PartitionRef, token: LeaseToken, hard: AbortSignal, fenced: () => void) {
    this.#deps = deps;
    this.#ref = ref;
    this.#token = token;
    this.#hard = hard;
    this.#fenced = fenced;
    // A target that may drop holds nothing up: what it has no room for is dropped there and counted.
    const mayDrop = new Set(deps.config.publish.filter((target) => target.onFull === 'drop').map((target) => target.name));
    this.#waitsFor = deps.lanes.filter((lane) => !mayDrop.has(lane.name));
  }

  /** What an owner before us committed and did not clear. */
  async replay(loaded: Loaded, turn: Turn): Promise<void> {
    for (const entry of loaded.outbox) {
      if (turn.isOver) await turn.next();
      const lane = this.#deps.lanes.find((other) => other.name === entry.group);
      if (lane !== undefined)
        this.#offer(lane, { items: parseItemLines(entry.text), replay: true, lines: entry.text }, entry.version, []);
    }
  }

  /** What the commit of this version holds; `ids` are of the notifications it came from. */
  publish(version: number, items: readonly Item[], lines: string, ids: readonly string[], traces?: OutputTraces): void {
    if (items.length === 0) return;
    for (const lane of this.#deps.lanes) this.#offer(lane, { items, replay: false, lines, traces }, version, ids);
  }

  async whenRoom(signal: AbortSignal): Promise<void> {
    for (const lane of this.#waitsFor) if (lane.full()) await lane.whenRoom(signal);
  }

  /** Throws what kept something from being cleared, if anything did. */
  assertClearing(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** What is committed should be out before the partition is handed over; what a slow target keeps, the next owner replays. */
  async drain(): Promise<void> {
    await Promise.race([Promise.all(this.#clearing.values()), aborted(this.#hard)]);
  }

  /** What its lanes still bring out is the next owner's to clear. */
  leave(): void {
    this.#left = true;
  }

  #offer(lane: Lane, blob: Omit<Blob, 'key'>, version: number, ids: readonly string[]): void {
    const key = `${partitionName(this.#ref)}@${version}`;
    const before = this.#clearing.get(lane.name) ?? Promise.resolve(true);
    const accepted = lane.offer({ key, ...blob });
    this.#clearing.set(lane.name, this.#clearAfter(before, accepted, lane.name, version, blob.items.length, ids));
  }

  /**
   * A clear takes everything up to its version. So what was left behind keeps all that came after it in the outbox, though that may
   * be done: the next owner publishes both. Never rejects: what went wrong ends the worker, not the process.
   */
  async #clearAfter(
    before: Promise<boolean>,
    accepted: Promise<Outcome>,
    group: string,
    version: number,
    items: number,
    ids: readonly string[],
  ): Promise<boolean> {
    const [cleared, outcome] = await Promise.all([before, accepted]);
    if (!cleared || outcome === 'left') return false;
    crashPoint('before-clear');
    const { clock, store, tally, watching } = this.#deps;
    tally.published += items;
    watching?.published(this.#ref, group, version, ids);
    try {
      const clear = await insist(clock, this.#hard, () => store.clearOutbox(this.#token, group, version));
      if (clear.kind === 'fenced' && !this.#left) this.#fenced();
      return clear.kind === 'ok';
    } catch (error) {
      this.#failure ??= { error };
      return false;
    }
  }
}
