import type { Item } from '../../model/item.ts';
import { partitionOf } from '../../model/stable-hash.ts';
import { compileGroupingKey } from './grouping-key.ts';

/** A layout that a sink had before its number of partitions was changed, as far as ids of that time are still known. */
export interface FormerLayout {
  readonly generation: number;
  readonly partitions: number;
  readonly partitionBy: readonly string[];
}

/**
 * The listener under which an id is kept that was applied in a partition of a former layout. A notification can have reached some of those
 * and not the others; the ids go to every partition that has taken over, so each says where it was applied, and only what belonged
 * there is a repeat. `open` is kept for ever, `closed` for two more minutes; nobody writes entries under such a name.
 */
export function carriedListener(kind: 'open' | 'closed', generation: number, partition: number): string {
  return `${kind}@g${generation}.p${partition}`;
}

/** `g1.p3`, the partition of a former layout that a name of `carriedListener` speaks of; null for a real listener. */
export function originOf(listener: string): string | null {
  const at = listener.indexOf('@');
  return at < 0 ? null : listener.slice(at + 1);
}

/** Where an item belonged in each of the former layouts. */
export function compileFormerPlaces(layouts: readonly FormerLayout[]): (item: Item) => readonly string[] {
  const compiled = layouts.map(({ generation, partitions, partitionBy }) => {
    const keyOf = compileGroupingKey(partitionBy);
    return (item: Item) => `g${generation}.p${partitionOf(keyOf(item), partitions)}`;
  });
  return (item) => compiled.map((place) => place(item));
}
