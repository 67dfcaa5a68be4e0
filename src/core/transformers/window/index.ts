import { z } from 'zod';
import { type Item, isEvent, itemTime } from '../../../model/item.ts';
import { Float, isObject, type JsonObject } from '../../../model/json.ts';
import type { Sample } from '../../../model/sample.ts';
import { failure } from '../../expression/failure.ts';
import { numberOf, toDouble, typeName } from '../../expression/value.ts';
import { parseMicros } from '../event-time.ts';
import { itemNames } from '../item-names.ts';
import { timeText } from '../time-text.ts';
import type { KeyedResult, KeyedTransformer, Output, Time } from '../transformer.ts';
import { Parameters } from './parameters.ts';
import { Held, hold, read } from './statistics.ts';

/** The open windows of one group, by their beginning. `last` describes the outputs: of the item with the greatest (time, id). */
const Last = z.strictObject({ at: z.number(), id: z.string(), about: z.custom<JsonObject>(isObject) });
const Window = z.strictObject({ start: z.number(), held: Held, last: Last });
const State = z.array(Window);
type Window = z.infer<typeof Window>;
type State = readonly Window[];

export const window: KeyedTransformer<Parameters, State> = {
  name: 'window',
  summary: 'Count, sum, extremes, mean, deviation and percentiles over windows of event time.',
  takes: ['samples', 'events'],
  gives: () => 'samples',
  scope: 'key',
  Parameters: Parameters as unknown as KeyedTransformer<Parameters, State>['Parameters'],
  State: State as unknown as KeyedTransformer<Parameters, State>['State'],
  examples: [
    {
      title: 'Mean and maximum per minute',
      yaml: 'size: 1m\ncompute: [mean, max]',
      given: [
        { name: 'cpu_util', unit: '%', volume: 10, resource_id: 'vm1', timestamp: '2024-03-04T05:00:10+00:00' },
        { name: 'cpu_util', unit: '%', volume: 30, resource_id: 'vm1', timestamp: '2024-03-04T05:00:50+00:00' },
      ],
      thenMs: 60_000,
      expect: [
        { name: 'cpu_util.mean', unit: '%', volume: new Float(20), timestamp: '2024-03-04T05:01:00+00:00' },
        { name: 'cpu_util.max', unit: '%', volume: 30, timestamp: '2024-03-04T05:01:00+00:00' },
      ],
    },
  ],
  partitionKeys: ({ groupBy }) => groupBy,
  delayMs: ({ latenessMs }) => latenessMs,
  rewrites: () => ['name', 'unit', 'type', 'volume', 'timestamp'],
  key: ({ group }, item) => group(item),
  step: (parameters, state, item, time) => collect(parameters, state ?? [], item, time),
  deadline: (parameters, state) => {
    const first = state[0];
    return first === undefined ? null : { clock: 'watermark', at: closesAt(parameters, first.start) };
  },
  due: (parameters, state, key, time) => close(parameters, state, key, time),
};

const tooLate = [{ reason: 'too_late', count: 1 }] as const;

function collect(parameters: Parameters, state: State, item: Item, time: Time): KeyedResult<State> {
  const { everyMs, sizeMs, needs } = parameters;
  const at = parseMicros(itemTime(item)) / 1_000;
  const value = parameters.value?.evaluate(itemNames(item)) ?? (isEvent(item) ? 1 : item.volume);
  const number = numberOf(value);
  if (number === undefined) throw failure('TypeError', `the value must be a number, not ${typeName(value)}`);
  // One value without end would take its whole window along.
  if (!Number.isFinite(toDouble(number))) throw failure('ValueError', 'the value must be finite');
  const newest = Math.floor(at / everyMs) * everyMs;
  const windows = new Map(state.map((window) => [window.start, window]));
  let counted = false;
  for (let start = newest; start > at - sizeMs; start -= everyMs) {
    // Closed already: opening it again would give its id a second content.
    if (closesAt(parameters, start) <= time.watermark) break;
    const before = windows.get(start);
    windows.set(start, { start, held: hold(needs, before?.held, number), last: later(parameters, before?.last, item, at) });
    counted = true;
  }
  if (!counted) return { state: state.length === 0 ? null : state, out: [], dropped: tooLate };
  return { state: [...windows.values()].sort((a, b) => a.start - b.start), out: [] };
}

function closesAt({ sizeMs, latenessMs }: Parameters, start: number): number {
  return start + sizeMs + latenessMs;
}

function later(parameters: Parameters, before: Window['last'] | undefined, item: Item, at: number): Window['last'] {
  const id = isEvent(item) ? item.message_id : item.id;
  if (before !== undefined && (before.at > at || (before.at === at && before.id >= id))) return before;
  return { at, id, about: about(parameters, item) };
}

function about({ resource }: Parameters, item: Item): JsonObject {
  if (isEvent(item)) return { name: item.event_type, unit: 'event', resource_id: resource(item) ?? '', resource_metadata: {} };
  const { source, name, unit, user_id, user_name, project_id, project_name, resource_id, resource_metadata } = item;
  return { source, name, unit, user_id, user_name, project_id, project_name, resource_id, resource_metadata };
}

function close(parameters: Parameters, state: State, key: readonly string[], time: Time): KeyedResult<State> {
  const out: Output[] = [];
  let closed = 0;
  for (const window of state) {
    if (closesAt(parameters, window.start) > time.watermark) break;
    closed += 1;
    for (const statistic of parameters.statistics)
      out.push({ item: result(parameters, window, statistic), basis: [...key, `${window.start}`, statistic] });
  }
  const left = state.slice(closed);
  return { state: left.length === 0 ? null : left, out };
}

function result({ name, unit, sizeMs }: Parameters, { start, held, last }: Window, statistic: string): Sample {
  const described = last.about as unknown as Sample;
  return {
    id: '',
    source: described.source ?? 'openstack',
    name: name.replaceAll('{name}', () => described.name).replaceAll('{statistic}', statistic),
    type: statistic === 'count' || statistic === 'sum' ? 'delta' : 'gauge',
    unit: unit ?? (statistic === 'count' ? '1' : described.unit),
    volume: read(held, statistic),
    user_id: described.user_id ?? null,
    user_name: described.user_name ?? null,
    project_id: described.project_id ?? null,
    project_name: described.project_name ?? null,
    resource_id: described.resource_id,
    timestamp: timeText(start + sizeMs),
    resource_metadata: described.resource_metadata,
    monotonic_time: null,
  };
}
