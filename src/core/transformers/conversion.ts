import { z } from 'zod';
import { isNumeric, isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Sample, SampleType } from '../../model/sample.ts';
import { multiply } from '../expression/arithmetic.ts';
import { ordered } from '../expression/comparison.ts';
import { compileExpression, type Expression } from '../expression/expression.ts';
import { ExpressionSyntaxFault, failure } from '../expression/failure.ts';
import { compileSubstitution, type Substitution } from '../expression/substitution.ts';
import { truthy } from '../expression/value.ts';
import { lenient, unknownParameters } from './lenient.ts';

// What Ceilometer's unit_conversion, rate_of_change, delta and aggregator share: mapping of name and unit, `scale`, `max`.

const mapping = z.looseObject({ name: lenient(z.string()), unit: lenient(z.string()) });
const number = z.union([z.number(), z.custom<Json>(isNumeric)]);

export const Source = z
  .looseObject({
    unit: lenient(z.string().describe('Only samples of this unit are converted (`unit_conversion`).')),
    map_from: lenient(mapping.describe('Python regular expressions for the name and the unit.')),
  })
  .nullish();

export const Target = z
  .looseObject({
    name: lenient(z.string()),
    unit: lenient(z.string()),
    type: lenient(z.enum(['gauge', 'delta', 'cumulative'])),
    scale: lenient(z.union([z.string(), number]).describe('An expression over the sample, or a factor.')),
    max: lenient(number.describe('The volume is cut to this.')),
    map_to: lenient(mapping.describe('Replacements for what `map_from` found: `\\1` is its first group.')),
  })
  .nullish();

type Parsed = z.infer<typeof Source> | z.infer<typeof Target>;

export interface Mapping {
  readonly name: (sample: Sample) => Json;
  readonly unit: (sample: Sample) => Json;
}

export interface Scale {
  /** `scale` evaluated for the sample; `failed` when the text is no expression: then every sample fails, as in Ceilometer. */
  readonly apply: (sample: Sample) => Json;
  readonly problems: readonly string[];
}

/** `target.max` if it is truthy, with Python's `min`. */
export function capped(volume: Json, max: Json | undefined): Json {
  return max !== undefined && truthy(max) && ordered('<', max, volume) ? max : volume;
}

export function compileMapping(source: Parsed, target: Parsed): Mapping {
  return { name: mapped('name', source, target), unit: mapped('unit', source, target) };
}

/** The mapped attribute, else `target`'s, else the sample's own; a mapping that changes nothing still counts as mapped. */
function mapped(attribute: 'name' | 'unit', source: Parsed, target: Parsed): (sample: Sample) => Json {
  const from = source?.map_from as Json | undefined;
  const to = target?.map_to as Json | undefined;
  const fixed = target != null && Object.hasOwn(target, attribute) ? (target[attribute] as Json) : undefined;
  const otherwise = fixed === undefined ? (sample: Sample): Json => sample[attribute] : (): Json => fixed;
  if (!truthy(from ?? null) || !truthy(to ?? null)) return otherwise;
  if (!isObject(from) || !isObject(to)) {
    return () => {
      throw failure('AttributeError', 'map_from and map_to are mappings of name and unit');
    };
  }
  const [pattern, replacement] = [own(from, attribute), own(to, attribute)];
  if (!truthy(pattern) || !truthy(replacement)) return otherwise;
  const substitute = substitution(pattern, replacement);
  if (substitute === null) return otherwise;
  return (sample) => {
    const value: unknown = sample[attribute];
    return (typeof value === 'string' ? substitute(value) : null) || otherwise(sample);
  };
}

function substitution(pattern: Json, replacement: Json): Substitution | null {
  return typeof pattern === 'string' && typeof replacement === 'string' ? compileSubstitution(pattern, replacement) : null;
}

function own(object: JsonObject, key: string): Json {
  return Object.hasOwn(object, key) ? (object[key] as Json) : null;
}

export function compileScale(scale: Json | undefined): Scale {
  if (scale === undefined || !truthy(scale)) return { apply: (sample) => sample.volume, problems: [] };
  if (typeof scale !== 'string') return { apply: (sample) => multiply(sample.volume, scale), problems: [] };
  const { evaluate, problems } = compileLeniently(scale);
  return { apply: (sample) => evaluate(sample as unknown as JsonObject), problems };
}

/** The text of what was thrown, for a letter. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Ceilometer found a bad expression only when it ran, sample by sample; we load it too, and say so at once. */
export function compileLeniently(text: string): Pick<Expression, 'evaluate' | 'problems'> {
  try {
    return compileExpression(text);
  } catch (error) {
    if (!(error instanceof ExpressionSyntaxFault)) throw error;
    return {
      evaluate: () => {
        throw failure('SyntaxError', error.message);
      },
      problems: [error.message],
    };
  }
}

/** The sample a Ceilometer transformer makes. Faithful: source, monotonic_time and the names of user and project are lost on the way. */
export function converted(sample: Sample, name: Json, unit: Json, type: Json, volume: Json, faithful: boolean): Sample {
  return {
    id: sample.id,
    source: faithful ? 'openstack' : sample.source,
    name: name as string,
    type: type as SampleType,
    unit: unit as string,
    volume,
    user_id: sample.user_id,
    user_name: faithful ? null : sample.user_name,
    project_id: sample.project_id,
    project_name: faithful ? null : sample.project_name,
    resource_id: sample.resource_id,
    timestamp: sample.timestamp,
    resource_metadata: sample.resource_metadata,
    monotonic_time: faithful ? null : sample.monotonic_time,
  };
}

/** `target.type` where given, even when it is no type: Ceilometer did not look. */
export function targetType(target: { readonly type?: unknown } | null | undefined): Json | undefined {
  return target != null && Object.hasOwn(target, 'type') ? ((target.type ?? null) as Json) : undefined;
}

export function conversionProblems(source: Parsed, target: Parsed, scale: Scale): string[] {
  return [
    ...unknownParameters(source ?? {}, ['unit', 'map_from'], 'source.'),
    ...unknownParameters(target ?? {}, ['name', 'unit', 'type', 'scale', 'max', 'map_to'], 'target.'),
    ...scale.problems.map((problem) => `target.scale: ${problem}`),
    ...brokenPatterns(source, target),
  ];
}

function brokenPatterns(source: Parsed, target: Parsed): string[] {
  const [from, to] = [source?.map_from as Json | undefined, target?.map_to as Json | undefined];
  if (!isObject(from) || !isObject(to)) return [];
  return ['name', 'unit']
    .filter(
      (attribute) =>
        truthy(own(from, attribute)) &&
        truthy(own(to, attribute)) &&
        substitution(own(from, attribute), own(to, attribute)) === null,
    )
    .map(
      (attribute) => `source.map_from.${attribute}: not a regular expression that fits target.map_to.${attribute}; it is ignored`,
    );
}
