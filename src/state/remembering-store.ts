import type { LeaseToken, Unit } from '../coordination/group.ts';
import { classify } from '../model/faults.ts';
import type {
  Commit,
  CommitResult,
  Guarded,
  Loaded,
  OutboxEntry,
  PartitionStore,
  PeekedPartitions,
  RecoveredPartitions,
  Reseeded,
  StateChunk,
  WholePartition,
  WholePartitions,
} from './partition-store.ts';

/** A partition as the store had it after our last commit. */
interface Memory {
  version: number;
  /** Of the store when it said so. */
  incarnation: number;
  lastCommitId: string;
  cursor: string | null;
  readonly states: Map<string, string>;
  ids: (readonly [slice: number, text: string])[];
  outbox: OutboxEntry[];
}

export interface Remembering {
  /** Is ours the latest that anybody living holds? Asked before anything is written back; false: not now. */
  readonly mayWriteBack: (unit: Unit) => Promise<boolean>;
  readonly onWrittenBack: (unit: Unit, version: number) => void;
}

type Inner = PartitionStore & WholePartitions & PeekedPartitions & RecoveredPartitions;

/** A look at everything that is remembered, when nothing gave a reason before, every so many calls. */
const lookEvery = 10;

/**
 * A store that may forget (`recovery: reseed`): what this process loaded and committed is kept in memory as well, word for word, and written
 * back when the store says that it was lost and this process has the lease again. The price is that memory: about as much again as the
 * states themselves.
 *
 * Written back is the last commit that was answered. Entries of a later one were not settled and come again.
 *
 * A store that came back with less than it had (a promoted replica) is written to likewise, as long as nobody went on from there: what
 * stands in it is then an earlier version of what we remember, and of the incarnation before.
 */
export class RememberingStore implements PartitionStore, WholePartitions, PeekedPartitions {
  readonly rollingKeys: number;
  readonly #inner: Inner;
  readonly #options: Remembering;
  readonly #memories = new Map<Unit, Memory>();
  #doubted = false;
  #calls = 0;

  constructor(inner: Inner, options: Remembering) {
    this.#inner = inner;
    this.#options = options;
    this.rollingKeys = inner.rollingKeys;
  }

  /**
   * Versions of what only we may still have: the store has it no more, or never in this version. What somebody else went on with is
   * forgotten. Asks the store only when something was amiss, and else now and then.
   */
  async lost(): Promise<Readonly<Record<Unit, number>>> {
    const lost: Record<Unit, number> = {};
    this.#calls += 1;
    if (!this.#doubted && this.#calls % lookEvery !== 0) return lost;
    for (const [unit, memory] of [...this.#memories]) {
      const { version } = await this.#inner.describe(unit);
      if (version > memory.version && this.#memories.get(unit) === memory) this.#forgetUnlessNewer(unit, version);
      else if (version === 0 && memory.version > 0) lost[unit] = memory.version;
    }
    this.#doubted = Object.keys(lost).length > 0;
    return lost;
  }

  /** Before a lease is given back: what the store has is the next owner's to go on with, and soon older here than there. */
  async leaves(unit: Unit): Promise<void> {
    const memory = this.#memories.get(unit);
    if (memory === undefined) return;
    if ((await this.#inner.describe(unit)).version >= memory.version) this.#memories.delete(unit);
    else this.#doubted = true;
  }

  async load(token: LeaseToken, onState: Parameters<PartitionStore['load']>[1]): Promise<Guarded<Loaded>> {
    // Before anything is handed on: a key that was deleted since must not come.
    await this.#bringForward(token);
    try {
      return await this.#load(token, onState);
    } catch (error) {
      const memory = this.#memories.get(token.unit);
      this.#doubted = true;
      if (memory === undefined || memory.version === 0 || classify(error).code !== 'redis_state_missing') throw error;
      if (!(await this.#options.mayWriteBack(token.unit))) throw error;
      const written = await this.#inner.reseed(token, memory);
      if (written.kind === 'fenced') return written;
      if (written.kind === 'ok') this.#options.onWrittenBack(token.unit, memory.version);
      return this.#load(token, onState);
    }
  }

  async #bringForward(token: LeaseToken): Promise<void> {
    const { unit, incarnation } = token;
    const memory = this.#memories.get(unit);
    if (memory === undefined || memory.incarnation !== incarnation - 1) return;
    const stood = await this.#inner.stoodAtRecovery(unit, incarnation);
    if (stood === null || stood >= memory.version || (await this.#inner.describe(unit)).version !== stood) return;
    const { kind } = await this.#inner.reseed(token, memory);
    if (kind === 'ok') this.#options.onWrittenBack(unit, memory.version);
  }

  async noteStart(token: LeaseToken, suspects: string): Promise<Guarded<null>> {
    return this.#saw(await this.#inner.noteStart(token, suspects));
  }

  async commit(token: LeaseToken, commit: Commit): Promise<CommitResult> {
    const result = this.#saw(await this.#inner.commit(token, commit));
    if (result.kind === 'ok' || result.kind === 'replayed') this.#remember(token, commit, result.version);
    return result;
  }

  async clearOutbox(token: LeaseToken, group: string, version: number): Promise<Guarded<null>> {
    const cleared = this.#saw(await this.#inner.clearOutbox(token, group, version));
    const memory = this.#memories.get(token.unit);
    if (cleared.kind === 'ok' && memory !== undefined)
      memory.outbox = memory.outbox.filter((entry) => entry.group !== group || entry.version > version);
    return cleared;
  }

  describe(unit: Unit): ReturnType<PartitionStore['describe']> {
    return this.#inner.describe(unit);
  }

  peek(unit: Unit, onState: (chunk: StateChunk) => void): Promise<void> {
    return this.#inner.peek(unit, onState);
  }

  reseed(token: LeaseToken, whole: WholePartition): Promise<Reseeded> {
    return this.#inner.reseed(token, whole);
  }

  async drop(token: LeaseToken): Promise<Guarded<null>> {
    this.#memories.delete(token.unit);
    return this.#inner.drop(token);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #load(token: LeaseToken, onState: Parameters<PartitionStore['load']>[1]): Promise<Guarded<Loaded>> {
    const states = new Map<string, string>();
    const loaded = await this.#inner.load(token, (chunk, ofOpenRound) => {
      for (const [key, value] of chunk) {
        if (value === null) states.delete(key);
        else states.set(key, value);
      }
      onState(chunk, ofOpenRound);
    });
    if (loaded.kind === 'fenced') return this.#saw(loaded);
    const { version, cursor, ids, outbox } = loaded.value;
    this.#memories.set(token.unit, {
      version,
      incarnation: token.incarnation,
      lastCommitId: '',
      cursor,
      states,
      ids: [...ids],
      outbox: [...outbox],
    });
    return loaded;
  }

  #remember(
    { unit, incarnation }: LeaseToken,
    { set, del, cursor, ids, dropSlices, outbox, commitId, expectVersion }: Commit,
    version: number,
  ): void {
    const memory = this.#memories.get(unit);
    if (memory === undefined || memory.version !== expectVersion) return;
    for (const [key, value] of set) memory.states.set(key, value);
    for (const key of del) memory.states.delete(key);
    if (dropSlices.length > 0) memory.ids = memory.ids.filter(([slice]) => !dropSlices.includes(slice));
    if (ids !== null) memory.ids.push([ids.slice, ids.text]);
    for (const blob of outbox) memory.outbox.push({ ...blob, version });
    memory.cursor = cursor;
    memory.lastCommitId = commitId;
    memory.version = version;
    memory.incarnation = incarnation;
  }

  /** Between the question and its answer we may have gone on ourselves. */
  #forgetUnlessNewer(unit: Unit, version: number): void {
    if ((this.#memories.get(unit)?.version ?? 0) < version) this.#memories.delete(unit);
  }

  #saw<R extends { readonly kind: string }>(result: R): R {
    if (result.kind === 'fenced') this.#doubted = true;
    return result;
  }
}
