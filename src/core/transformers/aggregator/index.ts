import { z } from 'zod';
import { Float, isObject, type Json } from '../../../model/json.ts';
import type { Sample } from '../../../model/sample.ts';
import { canonicalParts } from '../../../model/stable-hash.ts';
import { add, divide, multiply } from '../../expression/arithmetic.ts';
import { failure } from '../../expression/failure.ts';
import { numberOf, toDouble, typeName } from '../../expression/value.ts';
import { capped, converted, messageOf } from '../conversion.ts';
import { Micros, parseMicros } from '../event-time.ts';
import { splitParts } from '../key-text.ts';
import type { Output, PlacedRow, Relocation, States, TableResult, TableTransformer, Time } from '../transformer.ts';
import { Parameters } from './parameters.ts';

/** One row per key, and the row `''` for what concerns them all. A row without a sample is one whose first sample failed. */
const Totals = z.strictObject({ samples: z.number(), since: Micros });
const Row = z.strictObject({ count: z.number(), sample: z.custom<Sample>(isObject).nullable() });
const State = z.union([Totals, Row]);
type Totals = z.infer<typeof Totals>;
type Row = z.infer<typeof Row>;
type State = Totals | Row;
type Result = TableResult<State>;
type Writes = (readonly [string, State | null])[];

export const aggregator: TableTransformer<Parameters, State> = {
  name: 'aggregator',
  summary: 'One sample for many of the same meter and resource: mean of gauges, sum of deltas, last of cumulatives.',
  takes: ['samples'],
  scope: 'partition',
  forgets: (state) => !('sample' in state) || state.sample === null,
  orderSensitive: true,
  Parameters: Parameters as unknown as TableTransformer<Parameters, State>['Parameters'],
  State,
  examples: [
    {
      title: 'The mean of three',
      yaml: 'size: 3',
      given: [
        { name: 'cpu_util', type: 'gauge', volume: 1, resource_id: 'vm1' },
        { name: 'cpu_util', type: 'gauge', volume: 2, resource_id: 'vm1' },
        { name: 'cpu_util', type: 'gauge', volume: 6, resource_id: 'vm1' },
      ],
      expect: [{ name: 'cpu_util', volume: new Float(3) }],
    },
  ],
  partitionKeys: ({ user, project }) => [
    'name',
    'resource_id',
    ...(user === null ? ['user_id'] : []),
    ...(project === null ? ['project_id'] : []),
  ],
  rewrites: () => ['name', 'unit', 'type', 'volume'],
  needsTime: (parameters) => parameters.retentionMicros !== null,
  problems: (parameters) => parameters.problems,
  step: (parameters, states, item) => aggregate(parameters, states, item as Sample),
  flush: (parameters, states, time) => flush(parameters, states, time),
  relocate: (parameters, rows, relocation) => relocate(parameters, rows, relocation),
};

function aggregate(parameters: Parameters, states: States<State>, sample: Sample): Result {
  const before = states.get('') as Totals | undefined;
  const since = before?.since ?? parseMicros(sample.timestamp);
  const writes: Writes = [['', { samples: (before?.samples ?? 0) + 1, since }]];
  try {
    const key = uniqueKey(parameters, sample);
    const row = (states.get(key) as Row | undefined) ?? { count: 0, sample: null };
    merge(parameters, writes, key, row, sample);
    return { writes, out: [] };
  } catch (error) {
    // Ceilometer has counted the sample before it fails; without strict_compat a failed sample leaves no trace.
    return { writes: parameters.strict ? writes : [], out: [], failed: { message: messageOf(error) } };
  }
}

/** Pushes each step of Ceilometer's order onto `writes`, so that what was done before a failure stays done. */
function merge(parameters: Parameters, writes: Writes, key: string, row: Row, sample: Sample): void {
  const count = row.count + 1;
  const held = row.sample;
  writes.push([key, { count, sample: held }]);
  if (held === null) {
    const first = convert(parameters, sample);
    // Aggregates leave in the order of their first sample that could be converted.
    if (row.count > 0) writes.push([key, null]);
    writes.push([key, { count, sample: parameters.metadata === 'drop' ? { ...first, resource_metadata: {} } : first }]);
    return;
  }
  const stamped = parameters.lastTimestamp ? { ...held, timestamp: sample.timestamp } : held;
  writes.push([key, { count, sample: stamped }]);
  const scaled = parameters.scale.apply(sample);
  const volume = sound(parameters, sample.type === 'cumulative' ? scaled : add(held.volume, scaled));
  writes.push([key, { count, sample: { ...stamped, volume, ...latest(parameters, sample) } }]);
}

function latest({ metadata, user, project }: Parameters, sample: Sample): Partial<Sample> {
  return {
    ...(metadata === 'last' ? { resource_metadata: sample.resource_metadata } : {}),
    ...(user === 'last' ? { user_id: sample.user_id } : {}),
    ...(project === 'last' ? { project_id: sample.project_id } : {}),
  };
}

/** Without strict_compat what could not be divided is refused when it comes: at the flush it would keep all others from leaving. */
function sound({ strict }: Parameters, volume: Json): Json {
  if (strict) return volume;
  const number = numberOf(volume);
  if (number === undefined) throw failure('TypeError', `the volume must be a number, not ${typeName(volume)}`);
  if (!Number.isFinite(toDouble(number))) throw failure('ValueError', 'the volume must be finite');
  return volume;
}

function convert(parameters: Parameters, sample: Sample): Sample {
  const { mapping, scale, type, max, strict } = parameters;
  const volume = sound(parameters, multiply(scale.apply(sample), 1));
  const name = mapping.name(sample);
  const unit = mapping.unit(sample);
  return converted(sample, name, unit, type === undefined ? sample.type : type, strict ? capped(volume, max) : volume, strict);
}

/** Joined with dashes, as Ceilometer did; without strict_compat the parts cannot run into each other. */
function uniqueKey({ project, user, strict }: Parameters, sample: Sample): string {
  const attributes: Json[] = [...(project === null ? [sample.project_id] : []), ...(user === null ? [sample.user_id] : [])];
  const parts = attributes.map((value) => {
    if (value !== null && typeof value !== 'string')
      throw failure('TypeError', 'user_id and project_id must be texts to make a key');
    return value ?? '<undefined>';
  });
  const { name, resource_id } = sample as { name: Json; resource_id: Json };
  if (!strict) return canonicalParts([String(name), String(resource_id), ...parts]);
  return `${name ?? 'None'}-${resource_id ?? 'None'}-${parts.join('-')}`;
}

function flush(parameters: Parameters, states: States<State>, time: Time): Result {
  const totals = states.get('') as Totals | undefined;
  if (totals === undefined) return { writes: [], out: [] };
  const { size, retentionMicros } = parameters;
  const expired = retentionMicros !== null && time.now * 1_000 - totals.since > retentionMicros;
  if (!expired && !(size !== null && totals.samples >= size)) return { writes: [], out: [] };
  return parameters.strict ? flushFaithfully(parameters, states) : flushRight(parameters, states);
}

/**
 * A gauge is divided by the count of the key it has *now*: renamed, it has none, the flush fails, and those divided before it stay
 * divided and are divided again next time.
 */
function flushFaithfully(parameters: Parameters, states: States<State>): Result {
  const writes: Writes = [];
  const out: Output[] = [];
  for (const [key, row] of rows(states)) {
    let { sample } = row;
    if (sample.type === 'gauge') {
      try {
        const counted = states.get(uniqueKey(parameters, sample)) as Row | undefined;
        sample = { ...sample, volume: divide(sample.volume, counted?.count ?? 0) };
      } catch (error) {
        return { writes, out: [], failed: { message: messageOf(error) } };
      }
      writes.push([key, { count: row.count, sample }]);
    }
    out.push(aggregateOutput(key, sample));
  }
  return { writes: emptied(states), out };
}

function flushRight(parameters: Parameters, states: States<State>): Result {
  const out: Output[] = [];
  for (const [key, { count, sample }] of rows(states)) {
    const volume = sample.type === 'gauge' ? divide(sample.volume, count) : sample.volume;
    out.push(aggregateOutput(key, { ...sample, volume: capped(volume, parameters.max) }));
  }
  return { writes: emptied(states), out };
}

/** An aggregate is named by its key and its first sample. */
function aggregateOutput(key: string, item: Sample): Output {
  return { item, basis: [key, item.id] };
}

function* rows(states: States<State>): Iterable<readonly [string, { readonly count: number; readonly sample: Sample }]> {
  for (const [key, state] of states.entries()) {
    if (key === '') continue;
    const { count, sample } = state as Row;
    if (sample !== null) yield [key, { count, sample }];
  }
}

function emptied(states: States<State>): Writes {
  return [...states.entries()].map(([key]) => [key, null]);
}

type Rows = [key: string, state: State][];

/**
 * A row goes where its samples go. The name is read out of its key, since the sample may have another one by now; everything else that a
 * partition can be chosen by is as it was. A row without a sample only counts, and counts wherever it may be asked for.
 */
function relocate(parameters: Parameters, rows: readonly PlacedRow<State>[], relocation: Relocation): readonly Rows[] {
  const places = Array.from({ length: relocation.partitions }, (): Rows => []);
  let since = Number.POSITIVE_INFINITY;
  for (const { from, key, state } of rows) {
    if (!('sample' in state)) {
      since = Math.min(since, state.since);
      continue;
    }
    const { sample } = state;
    const homes =
      sample === null ? relocation.reachable(from) : [relocation.home(attributesOf(parameters, key, sample, relocation))];
    for (const home of homes) places[home]?.push([key, state]);
  }
  return places.map((place) => {
    if (place.length === 0) return place;
    const samples = place.reduce((sum, [, row]) => sum + (row as Row).count, 0);
    return [['', { samples, since }], ...place];
  });
}

function attributesOf(parameters: Parameters, key: string, sample: Sample, { valuesOf }: Relocation) {
  const values = valuesOf(sample);
  const unnamed = uniqueKey(parameters, { ...sample, name: '' });
  const name = parameters.strict ? key.slice(0, key.length - unnamed.length) : (splitParts(key)[0] ?? '');
  return (attribute: string) => (attribute === 'name' ? name : values(attribute));
}
