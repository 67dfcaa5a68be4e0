import { z } from 'zod';
import { Float, isObject, type Json, type JsonObject, toFloat } from '../../../model/json.ts';
import { parseJson, printJson } from '../../../model/json-text.ts';
import type { Sample } from '../../../model/sample.ts';
import { failure } from '../../expression/failure.ts';
import { numberOf, toDouble, typeName } from '../../expression/value.ts';
import { toText } from '../../partition/grouping-key.ts';
import { converted, messageOf, targetType } from '../conversion.ts';
import { parseEventTime } from '../event-time.ts';
import { lenient, strictCompat, unknownParameters } from '../lenient.ts';
import type { Drop, Failure, Output, PlacedRow, Relocation, States, TableResult, TableTransformer } from '../transformer.ts';
import { compileFormula } from './formula.ts';

const Target = z
  .looseObject({
    name: lenient(z.string()),
    unit: lenient(z.string()),
    type: lenient(z.enum(['gauge', 'delta', 'cumulative'])),
    expr: z.string().default('').describe('An expression over meters: `100 * $(memory.usage) / $(memory)`.'),
  })
  .nullish();

const Parameters = z.looseObject({ target: Target, strict_compat: strictCompat }).transform((raw) => {
  const formula = compileFormula(raw.target?.expr ?? '', raw.strict_compat);
  const fixed = (name: string): Json | undefined =>
    raw.target != null && Object.hasOwn(raw.target, name) ? ((raw.target[name] ?? null) as Json) : undefined;
  return {
    strict: raw.strict_compat,
    formula,
    name: fixed('name'),
    unit: fixed('unit'),
    type: targetType(raw.target),
    problems: [
      ...unknownParameters(raw, ['target', 'strict_compat']),
      ...unknownParameters(raw.target ?? {}, ['name', 'unit', 'type', 'expr'], 'target.'),
      ...formula.problems.map((problem) => `target.expr: ${problem}`),
    ],
  };
});
type Parameters = z.infer<typeof Parameters>;

/**
 * One row per resource with the latest sample of each meter; the row `''` is of the whole partition. `latest` is the last timestamp,
 * whatever a polling agent put there.
 */
const Shared = z.strictObject({
  latest: z.custom<string>((value) => value !== undefined),
  next: z.number(),
  ready: z.array(z.string()),
});
const Operands = z.strictObject({ place: z.number(), samples: z.custom<Readonly<Record<string, Sample>>>(isObject) });
const State = z.union([Shared, Operands]);
type Shared = z.infer<typeof Shared>;
type Operands = z.infer<typeof Operands>;
type State = Shared | Operands;

export const arithmetic: TableTransformer<Parameters, State> = {
  name: 'arithmetic',
  summary: 'A new meter computed from several meters of the same resource.',
  takes: ['samples'],
  scope: 'partition',
  orderSensitive: true,
  Parameters: Parameters as unknown as TableTransformer<Parameters, State>['Parameters'],
  State,
  examples: [
    {
      title: 'Memory in use, in percent',
      yaml: 'target: { name: memory_util, unit: "%", type: gauge, expr: "100 * $(memory.usage) / $(memory)" }',
      given: [
        { name: 'memory.usage', volume: 512, resource_id: 'vm1', unit: 'MB' },
        { name: 'memory', volume: 1024, resource_id: 'vm1', unit: 'MB' },
      ],
      expect: [{ name: 'memory_util', unit: '%', volume: new Float(50) }],
    },
  ],
  partitionKeys: () => ['resource_id'],
  rewrites: () => ['name', 'unit', 'type', 'volume', 'timestamp'],
  problems: (parameters) => parameters.problems,
  step: (parameters, states, item) => remember(parameters, states, item as Sample),
  flush: (parameters, states) => compute(parameters, states),
  relocate: (_, rows, relocation) => relocate(rows, relocation),
};

const unrelated = [{ reason: 'not_in_expression', count: 1 }] as const;
const replaced = [{ reason: 'replaced', count: 1 }] as const;
const empty: Shared = { latest: '', next: 0, ready: [] };

/** Every sample is swallowed: an operand is held, an older one of the same meter is replaced, anything else only moves the clock. */
function remember({ formula }: Parameters, states: States<State>, sample: Sample): TableResult<State> {
  const shared = (states.get('') as Shared | undefined) ?? empty;
  const slot = formula.slots.get(sample.name);
  if (slot === undefined) return { writes: [['', { ...shared, latest: sample.timestamp }]], out: [], dropped: unrelated };
  const key = `r${printJson(sample.resource_id)}`;
  const held = states.get(key) as Operands | undefined;
  const place = held?.place ?? shared.next;
  const samples = { ...held?.samples, [slot]: sample };
  const isReady = Object.keys(samples).length === formula.required.size && !shared.ready.includes(key);
  const next: Shared = {
    latest: sample.timestamp,
    next: Math.max(shared.next, place + 1),
    ready: isReady ? [...shared.ready, key] : shared.ready,
  };
  const dropped = held?.samples[slot] === undefined ? undefined : replaced;
  return {
    writes: [
      ['', next],
      [key, { place, samples }],
    ],
    out: [],
    ...(dropped === undefined ? {} : { dropped }),
  };
}

/** Only resources that became complete since the last flush are looked at, in the order their first operand came. */
function compute(parameters: Parameters, states: States<State>): TableResult<State> {
  const shared = states.get('') as Shared | undefined;
  if (shared === undefined || shared.ready.length === 0) return { writes: [], out: [] };
  const writes: (readonly [string, State | null])[] = [['', { ...shared, ready: [] }]];
  const out: Output[] = [];
  const dropped: Drop[] = [];
  let failed: Failure | undefined;
  const ready = shared.ready.map((key) => [key, states.get(key) as Operands] as const);
  for (const [key, { samples }] of ready.sort((a, b) => a[1].place - b[1].place)) {
    writes.push([key, null]);
    const reference = samples[parameters.formula.reference as string] as Sample;
    try {
      const operands = Object.values(samples).map(({ id }) => id);
      out.push({ item: result(parameters, samples, reference, shared.latest), basis: [key, ...operands.sort()] });
    } catch (error) {
      // The operands are gone either way; one of them can be shown as a letter, the others are counted.
      if (failed !== undefined) dropped.push({ reason: 'expression_failed', count: 1 });
      failed ??= { message: messageOf(error), item: reference };
    }
  }
  return { writes, out, dropped, ...(failed === undefined ? {} : { failed }) };
}

function result(parameters: Parameters, samples: Readonly<Record<string, Sample>>, reference: Sample, latest: string): Sample {
  const { formula, strict, name, unit, type } = parameters;
  const value = formula.evaluate(samples as unknown as JsonObject);
  const number = numberOf(value);
  if (number === undefined) throw failure('TypeError', `must be real number, not ${typeName(value)}`);
  const volume = toDouble(number);
  if (Number.isNaN(volume)) throw failure('ValueError', 'the expression is not a number');
  const sample = converted(
    reference,
    name === undefined ? reference.name : name,
    unit === undefined ? reference.unit : unit,
    type === undefined ? reference.type : type,
    toFloat(volume),
    strict,
  );
  return { ...sample, monotonic_time: null, timestamp: strict ? latest : latestOf(samples) };
}

function latestOf(samples: Readonly<Record<string, Sample>>): string {
  return Object.values(samples).reduce((a, b) => (parseEventTime(b.timestamp) > parseEventTime(a.timestamp) ? b : a)).timestamp;
}

/** Operands go where their resource goes. The last timestamp is that of all: a whole flush stands between any of them and here. */
function relocate(rows: readonly PlacedRow<State>[], { partitions, home }: Relocation): (readonly [string, State])[][] {
  const places = Array.from({ length: partitions }, (): [string, Operands][] => []);
  let latest = '';
  for (const { key, state } of rows) {
    if ('latest' in state) {
      if (latest === '' || parseEventTime(state.latest) > parseEventTime(latest)) latest = state.latest;
      continue;
    }
    const resource = toText(parseJson(key.slice(1)));
    const place = places[home(() => resource)];
    place?.push([key, { ...state, place: place.length }]);
  }
  return places.map((place) => [['', { latest, next: place.length, ready: [] }], ...place]);
}
