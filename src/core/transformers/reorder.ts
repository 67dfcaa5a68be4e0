import { z } from 'zod';
import type { Item } from '../../model/item.ts';
import { isEvent, itemId, itemTime } from '../../model/item.ts';
import { isNumeric, isObject } from '../../model/json.ts';
import { ordered } from '../expression/comparison.ts';
import { compileGroupingKey } from '../partition/grouping-key.ts';
import { parseEventTime } from './event-time.ts';
import type { KeyedTransformer } from './transformer.ts';

/**
 * `order: event`: items of one partition key leave in the order of (event time, monotonic time, id), each once the watermark is `latenessMs` past its
 * time. What comes later than that goes on as it is: the next transformer's own rule counts it. A transformer like any other, so that
 * what it holds survives a hand-over; the chain puts it before the first step.
 */
export interface ReorderParameters {
  readonly latenessMs: number;
  readonly partitionBy: readonly string[];
  readonly key: (item: Item) => readonly string[];
}

export function reorderParameters(order: {
  readonly latenessMs: number;
  readonly partitionBy: readonly string[];
}): ReorderParameters {
  return { ...order, key: compileGroupingKey(order.partitionBy) };
}

const Held = z.tuple([z.number(), z.custom<Item>(isObject)]);
type Held = readonly [at: number, item: Item];
type State = readonly Held[];

export const reorder: KeyedTransformer<ReorderParameters, State> = {
  name: 'order',
  summary: 'Items of one partition key in the order of their event time.',
  takes: ['samples', 'events'],
  scope: 'key',
  Parameters: z.custom<ReorderParameters>(),
  State: z.array(Held) as unknown as KeyedTransformer<ReorderParameters, State>['State'],
  examples: [],
  partitionKeys: ({ partitionBy }) => partitionBy,
  key: (parameters, item) => parameters.key(item),
  step({ latenessMs }, state, item, time) {
    const at = parseEventTime(itemTime(item));
    // Written so that a time that is none (NaN) passes too: what is wrong with it is for the next step to say.
    if (!(at + latenessMs > time.watermark)) return { state: state ?? null, out: [{ item }] };
    const held: Held = [at, item];
    if (state === undefined) return { state: [held], out: [] };
    const place = state.findLastIndex((other) => !isBefore(held, other)) + 1;
    return { state: state.toSpliced(place, 0, held), out: [] };
  },
  delayMs: ({ latenessMs }) => latenessMs,
  deadline: ({ latenessMs }, state) => {
    const [first] = state;
    return first === undefined ? null : { clock: 'watermark', at: first[0] + latenessMs };
  },
  due({ latenessMs }, state, _key, time) {
    const kept = state.findIndex(([at]) => at + latenessMs > time.watermark);
    const ripe = kept < 0 ? state : state.slice(0, kept);
    return { state: kept < 0 ? null : state.slice(kept), out: ripe.map(([, item]) => ({ item, asIs: true })) };
  },
};

function isBefore([at, item]: Held, [otherAt, other]: Held): boolean {
  if (at !== otherAt) return at < otherAt;
  const [a, b] = [monotonic(item), monotonic(other)];
  if (a !== null && b !== null && (ordered('<', a, b) || ordered('<', b, a))) return ordered('<', a, b);
  return itemId(item) < itemId(other);
}

function monotonic(item: Item) {
  return isEvent(item) || !isNumeric(item.monotonic_time) ? null : item.monotonic_time;
}
