import type { Event, Trait } from '../../../model/event.ts';
import { traitTypes } from '../../../model/event.ts';
import { type Json, type JsonObject, toFloat } from '../../../model/json.ts';
import type { Sample } from '../../../model/sample.ts';
import { timeText } from '../time-text.ts';
import type { Output } from '../transformer.ts';
import type { Step } from './index.ts';
import type { Parameters } from './parameters.ts';

interface Facts {
  readonly name: string;
  readonly group: readonly string[];
  /** Epoch µs. */
  readonly at: number;
  readonly volume: Json;
  readonly unit: string;
  readonly about: JsonObject;
}

/** Named by its group and its first item, so that the id does not depend on which step came last. */
export function finished(parameters: Parameters, steps: readonly Step[], group: readonly string[]): Output {
  const [first, last] = [steps[0] as Step, steps.reduce((a, b) => (b.at > a.at ? b : a))];
  const seconds = toFloat((last.at - first.at) / 1_000_000);
  const about = { duration: seconds, started_at: naive(first.at), ended_at: naive(last.at), ...lapses(steps) };
  return output(parameters, first, { name: parameters.name, group, at: last.at, volume: seconds, unit: 's', about });
}

/** From each step to the next, for sequences of more than two. */
function lapses(steps: readonly Step[]): JsonObject {
  if (steps.length === 2) return {};
  const entries = steps
    .slice(1)
    .map((step, i): [string, Json] => [`lapse_${i + 1}`, toFloat((step.at - (steps[i] as Step).at) / 1_000_000)]);
  return Object.fromEntries(entries);
}

export function neverEnded(parameters: Parameters, steps: readonly (Step | null)[], group: readonly string[]): Output {
  const first = steps[0] as Step;
  const missing = parameters.steps.filter((_, i) => steps[i] === null).map(({ pattern }) => pattern);
  const about = { started_at: naive(first.at), missing: missing.join(',') };
  // Its time is the start's: the partition's clock, which found it out, is not a time of the world.
  return output(parameters, first, {
    name: `${parameters.name}.never_ended`,
    group,
    at: first.at,
    volume: 1,
    unit: 'event',
    about,
  });
}

function output({ emit, by }: Parameters, first: Step, facts: Facts): Output {
  const basis = [facts.name, ...facts.group, first.id];
  const keys = Object.fromEntries(
    by.map((field, i): [string, Json] => [field.replace(/^(?:traits|resource_metadata)\./, ''), facts.group[i] ?? '']),
  );
  return { basis, item: emit === 'sample' ? asSample(facts, keys) : asEvent(facts, keys) };
}

function asEvent({ name, at, about }: Facts, keys: JsonObject): Event {
  const traits = Object.entries({ ...keys, ...about }).map(([key, value]): Trait => [key, dtype(key, value), value]);
  return { message_id: '', event_type: name, generated: naive(at), traits, raw: {} };
}

function dtype(key: string, value: Json): Trait[1] {
  if (key.endsWith('_at')) return traitTypes.datetime;
  return typeof value === 'string' ? traitTypes.text : traitTypes.float;
}

function asSample({ name, group, at, volume, unit, about }: Facts, keys: JsonObject): Sample {
  return {
    id: '',
    source: 'openstack',
    name,
    type: unit === 's' ? 'gauge' : 'delta',
    unit,
    volume,
    user_id: null,
    user_name: null,
    project_id: null,
    project_name: null,
    resource_id: group[0] ?? '',
    timestamp: timeText(at / 1_000),
    resource_metadata: { ...keys, ...about },
    monotonic_time: null,
  };
}

/** Naive UTC, as Ceilometer's events write a time. */
function naive(micros: number): string {
  return timeText(micros / 1_000).replace(/\+00:00$/, '');
}
