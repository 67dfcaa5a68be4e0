import { z } from 'zod';
import { type Item, isEvent, itemId, itemTime } from '../../../model/item.ts';
import { Float } from '../../../model/json.ts';
import { Micros, parseMicros } from '../event-time.ts';
import type { Deadline, Drop, KeyedResult, KeyedTransformer, Time } from '../transformer.ts';
import { finished, neverEnded } from './outcome.ts';
import { Parameters } from './parameters.ts';

/**
 * A sequence that began: per step the time (epoch µs) and id of the item that made it, or null while it is awaited. `since` is the partition
 * time of the first step, or of the first item at all while the first step is missing.
 *
 * *Waiting for the start* (`steps[0]` is null): the start turns it into *running*; `hold` later what waits is dropped.
 * *Running*: the last missing step finishes it; `timeout` later it never ended.
 */
const Step = z.strictObject({ at: Micros, id: z.string() });
const State = z.strictObject({ since: z.number(), steps: z.array(Step.nullable()) });
export type State = z.infer<typeof State>;
export type Step = z.infer<typeof Step>;

export const correlate: KeyedTransformer<Parameters, State> = {
  name: 'correlate',
  summary: 'Start and end, or a longer sequence, as one fact with its duration; or the fact that it never ended.',
  takes: ['samples', 'events'],
  gives: ({ emit }) => (emit === 'sample' ? 'samples' : 'events'),
  scope: 'key',
  orderSensitive: true,
  Parameters: Parameters as unknown as KeyedTransformer<Parameters, State>['Parameters'],
  State,
  examples: [
    {
      title: 'How long a server takes to be built',
      yaml: 'sequence: [compute.instance.create.start, compute.instance.create.end]\nby: [traits.instance_id]\ntimeout: 1h\nemit: sample\nname: instance.build.duration',
      given: [
        { event_type: 'compute.instance.create.start', generated: '2024-03-04T05:00:00', traits: [['instance_id', 1, 'vm1']] },
        { event_type: 'compute.instance.create.end', generated: '2024-03-04T05:00:12', traits: [['instance_id', 1, 'vm1']] },
      ],
      expect: [{ name: 'instance.build.duration', unit: 's', volume: new Float(12), resource_id: 'vm1' }],
    },
    {
      title: 'A build that never ends',
      yaml: 'sequence: ["*.create.start", "*.create.end"]\nby: [traits.instance_id]\ntimeout: 10m\nname: instance.build',
      given: [
        { event_type: 'compute.instance.create.start', generated: '2024-03-04T05:00:00', traits: [['instance_id', 1, 'vm1']] },
      ],
      thenMs: 600_000,
      expect: [{ event_type: 'instance.build.never_ended' }],
    },
  ],
  partitionKeys: ({ by }) => by,
  rewrites: () => ['name', 'event_type', 'resource_id', 'traits', 'resource_metadata', 'unit', 'type', 'volume'],
  key: (parameters, item) => {
    const name = isEvent(item) ? item.event_type : item.name;
    // What belongs to no step must not get a state: it is dropped under one key of its own, which no sequence can have.
    return parameters.steps.some(({ matches }) => matches(name)) ? ['step', ...parameters.group(item)] : ['none'];
  },
  origins: (_, key) => [key.slice(1)],
  shift: (state, ms) => ({ ...state, since: state.since + ms }),
  step: (parameters, state, item, time) => advance(parameters, state, item, time),
  deadline: (parameters, state) => deadline(parameters, state),
  due: (parameters, state, key) => expire(parameters, state, key.slice(1)),
};

function one(reason: string): readonly Drop[] {
  return [{ reason, count: 1 }];
}

function advance(parameters: Parameters, state: State | undefined, item: Item, time: Time): KeyedResult<State> {
  const name = isEvent(item) ? item.event_type : item.name;
  const index = nextStep(parameters, state, name);
  if (index < 0) return { state: state ?? null, out: [], dropped: one('not_in_sequence') };
  const step: Step = { at: parseMicros(itemTime(item)), id: itemId(item) };
  if (index === 0) return begin(parameters, state, item, step, time);
  const steps = state?.steps ?? parameters.steps.map(() => null);
  const [start] = steps;
  if (start != null && step.at < start.at) return { state: state ?? null, out: [], dropped: one('no_start') };
  const held = steps[index] !== null && steps[index] !== undefined;
  // A repeated step does not move the time of the first.
  if (held) return { state: state ?? null, out: [], dropped: one('repeated_step') };
  const next = { since: state?.since ?? time.partition, steps: steps.map((before, i) => (i === index ? step : before)) };
  return settle(parameters, next, item);
}

/** A start begins anew; later steps that came before it and happened after it are taken over. */
function begin(parameters: Parameters, state: State | undefined, item: Item, step: Step, time: Time): KeyedResult<State> {
  const before = state?.steps ?? parameters.steps.map(() => null);
  const started = before[0] != null;
  if (started && (before[0] as Step).at > step.at) return { state: state ?? null, out: [], dropped: one('restarted') };
  let dropped = started ? 1 : 0;
  const steps = before.map((held, i) => {
    if (i === 0) return step;
    if (held === null || held.at >= step.at) return held;
    dropped += 1;
    return null;
  });
  const result = settle(parameters, { since: time.partition, steps }, item);
  return dropped === 0 ? result : { ...result, dropped: [{ reason: started ? 'restarted' : 'no_start', count: dropped }] };
}

function settle(parameters: Parameters, state: State, item: Item): KeyedResult<State> {
  if (state.steps.some((step) => step === null)) return { state, out: [] };
  return { state: null, out: [finished(parameters, state.steps as Step[], parameters.group(item))] };
}

/** The first step not yet made whose pattern fits, else the last that fits, so that one pattern may stand twice. */
function nextStep({ steps }: Parameters, state: State | undefined, name: string): number {
  let fitting = -1;
  for (let i = 0; i < steps.length; i++) {
    if (steps[i]?.matches(name) !== true) continue;
    if (state?.steps[i] == null) return i;
    if (fitting < 0) fitting = i;
  }
  return fitting;
}

function deadline({ timeoutMs, holdMs }: Parameters, { since, steps }: State): Deadline {
  return { clock: 'partition', at: since + (steps[0] === null ? holdMs : timeoutMs) };
}

function expire(parameters: Parameters, state: State, group: readonly string[]): KeyedResult<State> {
  const [start] = state.steps;
  if (start == null)
    return { state: null, out: [], dropped: [{ reason: 'no_start', count: state.steps.filter((step) => step !== null).length }] };
  return { state: null, out: [neverEnded(parameters, state.steps, group)] };
}
