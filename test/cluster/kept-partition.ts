import { type Applied, Partition } from '../../src/core/partition/partition.ts';
import type { StoredPartition } from '../../src/core/partition/stored-partition.ts';
import type { Chain } from '../../src/core/transformers/chain.ts';
import type { Entry } from '../../src/model/entry.ts';

/** A partition with what a store would hold of it after each entry. */
export class KeptPartition {
  readonly #partition: Partition;
  readonly #states: Map<string, string>;
  readonly #ids: (readonly [slice: number, text: string])[];
  #cursor: string | null;
  #offset = 0;

  constructor(chain: Chain, stored: StoredPartition = { cursor: null, ids: [], states: [] }) {
    this.#states = new Map(stored.states);
    this.#ids = [...stored.ids];
    this.#cursor = stored.cursor;
    this.#partition = new Partition(chain);
    this.#partition.loadStates(stored.states);
    this.#partition.restore(stored.cursor, stored.ids);
  }

  apply(entry: Entry): Applied {
    this.#offset += 1;
    const applied = this.#partition.apply(entry, this.#offset, '');
    const { set, del, ids, dropSlices, cursor } = this.#partition.takeChange(0);
    for (const [key, value] of set) this.#states.set(key, value);
    for (const key of del) this.#states.delete(key);
    if (ids !== null) this.#ids.push([ids.slice, ids.text]);
    for (const slice of dropSlices) this.#ids.splice(0, this.#ids.length, ...this.#ids.filter(([other]) => other !== slice));
    this.#cursor = cursor;
    return applied;
  }

  takenOver(): void {
    this.#partition.takenOver();
  }

  get stored(): StoredPartition {
    return { cursor: this.#cursor, ids: [...this.#ids], states: [...this.#states] };
  }
}
