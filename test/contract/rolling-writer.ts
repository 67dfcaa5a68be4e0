import type { LeaseToken } from '../../src/coordination/group.ts';
import type { Commit, PartitionStore } from '../../src/state/partition-store.ts';

/** Commits as a worker does: what changed, and for stores that want it the next keys of the rolling checkpoint. */
export class RollingWriter {
  readonly state: Map<string, string>;
  readonly #store: PartitionStore;
  readonly #token: LeaseToken;
  readonly #rollingKeys: number;
  #version: number;
  #walk: Iterator<string> | null = null;

  constructor(
    store: PartitionStore,
    token: LeaseToken,
    rollingKeys = store.rollingKeys,
    from: {
      readonly version: number;
      readonly state: Readonly<Record<string, string>>;
      /** Keys that the open round has still to come to; null: it begins anew. */
      readonly toWalk: readonly string[] | null;
    } = { version: 0, state: {}, toWalk: null },
  ) {
    this.#store = store;
    this.#token = token;
    this.#rollingKeys = store.rollingKeys === 0 ? 0 : rollingKeys;
    this.#version = from.version;
    this.state = new Map(Object.entries(from.state));
    this.#walk = from.toWalk === null ? null : from.toWalk.values();
  }

  async commit(set: readonly (readonly [string, string])[], del: readonly string[]): Promise<void> {
    for (const [key, value] of set) this.state.set(key, value);
    for (const key of del) this.state.delete(key);
    const { rolling, roundStart, roundEnd } = this.#nextKeys();
    const result = await this.#store.commit(this.#token, {
      expectVersion: this.#version,
      commitId: `${this.#token.epoch}:${this.#version}`,
      set,
      del,
      rolling,
      roundStart,
      roundEnd,
      cursor: String(this.#version + 1),
      ids: null,
      dropSlices: [],
      outbox: [],
      leaseTtlMs: 60_000,
    });
    if (result.kind !== 'ok') throw new Error(`not committed: ${result.kind}`);
    this.#version = result.version;
  }

  // A Map walks in the order of insertion and sees what is added on the way, so a round meets every key that lived all through it.
  #nextKeys(): Pick<Commit, 'rolling' | 'roundStart' | 'roundEnd'> {
    const roundStart = this.#walk === null;
    const rolling: (readonly [string, string])[] = [];
    this.#walk ??= this.state.keys();
    while (rolling.length < this.#rollingKeys) {
      const next = this.#walk.next();
      if (next.done === true) {
        this.#walk = null;
        break;
      }
      const value = this.state.get(next.value);
      if (value !== undefined) rolling.push([next.value, value]);
    }
    return { rolling, roundStart, roundEnd: this.#walk === null };
  }
}
