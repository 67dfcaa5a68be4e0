import type { Part } from '../../model/entry.ts';
import type { Event } from '../../model/event.ts';
import { type Item, type ItemKind, isEvent } from '../../model/item.ts';
import type { Sample } from '../../model/sample.ts';
import { partitionOf } from '../../model/stable-hash.ts';
import { compileGroupingKey } from '../partition/grouping-key.ts';
import { compileSourceFilter } from './source-filter.ts';

/**
 * Which sinks take an item, and which partition of each. A sink with several sources (Ceilometer's files) takes an item once per
 * source that matches, as Ceilometer did. Every item of a notification for one (sink, source, partition) is one part: the unit
 * of dedupe and of the compat flush, whatever else the entry holds.
 */
export interface RoutedSink {
  readonly sink: string;
  readonly from: ItemKind;
  readonly sources: readonly {
    readonly name: string;
    readonly match: readonly string[];
    /** What is taken instead of the item; null: nothing. */
    readonly as?: (item: Item) => Item | null;
  }[];
  readonly partitionBy: readonly string[];
  readonly partitions: number;
}

export type Emit = (sinkIndex: number, partition: number, part: Part) => void;

export interface Router {
  route(notificationId: string, samples: readonly Sample[], events: readonly Event[], emit: Emit): void;
  /** Items that one sink has taken before, into its partitions, past its sources. False: there is no such sink. */
  routeTo(sink: string, part: Part, emit: Emit): boolean;
}

const maxCachedNames = 10_000;
const longestCachedName = 256;

export function createRouter(sinks: readonly RoutedSink[]): Router {
  const compiled = sinks.flatMap((sink, sinkIndex) =>
    sink.sources.map((source, sourceIndex) => ({
      sinkIndex,
      from: sink.from,
      suffix: sourceIndex === 0 ? '' : `#${sourceIndex}`,
      takes: cached(compileSourceFilter(source.match)),
      as: source.as,
      partition: compilePartition(sink),
    })),
  );
  const places = sinks.map((sink) => ({ name: sink.sink, partition: compilePartition(sink) }));
  return {
    routeTo(sink, { id, items }, emit) {
      const sinkIndex = places.findIndex(({ name }) => name === sink);
      const place = places[sinkIndex];
      if (place === undefined) return false;
      const byPartition = new Map<number, Item[]>();
      for (const item of items) add(byPartition, place.partition(item), item);
      for (const [partition, list] of byPartition) emit(sinkIndex, partition, { id, items: list });
      return true;
    },
    route(notificationId, samples, events, emit) {
      for (const source of compiled) {
        const items: readonly Item[] = source.from === 'samples' ? samples : events;
        const byPartition = new Map<number, Item[]>();
        for (const given of items) {
          if (!source.takes(isEvent(given) ? given.event_type : given.name)) continue;
          const item = source.as === undefined ? given : source.as(given);
          if (item === null) continue;
          add(byPartition, source.partition(item), item);
        }
        for (const [partition, list] of byPartition)
          emit(source.sinkIndex, partition, { id: notificationId + source.suffix, items: list });
      }
    },
  };
}

function add(byPartition: Map<number, Item[]>, partition: number, item: Item): void {
  const list = byPartition.get(partition);
  if (list === undefined) byPartition.set(partition, [item]);
  else list.push(item);
}

function compilePartition(sink: RoutedSink): (item: Item) => number {
  if (sink.partitions === 1) return () => 0;
  const keyOf = compileGroupingKey(sink.partitionBy);
  return (item) => partitionOf(keyOf(item), sink.partitions);
}

/** Names come from outside without bound, so the memory of answers is emptied when it is full, and long ones are not kept. */
function cached(takes: (name: string) => boolean): (name: string) => boolean {
  const answers = new Map<string, boolean>();
  return (name) => {
    const known = answers.get(name);
    if (known !== undefined) return known;
    const answer = takes(name);
    if (name.length > longestCachedName) return answer;
    if (answers.size >= maxCachedNames) answers.clear();
    answers.set(name, answer);
    return answer;
  };
}
