import { z } from 'zod';
import type { Event } from '../../../model/event.ts';
import { isEvent } from '../../../model/item.ts';
import type { JsonObject } from '../../../model/json.ts';
import type { Sample } from '../../../model/sample.ts';
import type { StatelessTransformer } from '../transformer.ts';

const names = z
  .record(z.string(), z.string().min(1))
  .transform((record): ReadonlyMap<string, string> => new Map(Object.entries(record)));

const Parameters = z
  .strictObject({
    name: names.optional().describe('Meter names: `old: new`.'),
    unit: names.optional().describe('Units: `old: new`.'),
    event_type: names.optional().describe('Event types: `old: new`.'),
    metadata: names.optional().describe('Keys of resource_metadata: `old: new`.'),
    traits: names.optional().describe('Names of traits: `old: new`.'),
  })
  .refine((given) => Object.keys(given).length > 0, 'rename needs at least one of name, unit, event_type, metadata, traits');
type Parameters = z.infer<typeof Parameters>;

export const rename: StatelessTransformer<Parameters> = {
  name: 'rename',
  summary: 'Other names for meters, units, event types, metadata keys and traits.',
  takes: ['samples', 'events'],
  scope: 'none',
  Parameters: Parameters as unknown as StatelessTransformer<Parameters>['Parameters'],
  examples: [
    {
      title: 'The name another tool expects',
      yaml: 'name: { memory.usage: mem_used }\nmetadata: { cpu_number: vcpus }',
      given: [
        { name: 'memory.usage', volume: 512, resource_metadata: { cpu_number: 2 } },
        { name: 'cpu', volume: 1 },
      ],
      expect: [
        { name: 'mem_used', volume: 512, resource_metadata: { vcpus: 2 } },
        { name: 'cpu', volume: 1 },
      ],
    },
  ],
  rewrites: (parameters) => {
    const keys = [...(parameters.metadata ?? [])].flat().map((key) => `resource_metadata.${key}`);
    const traits = [...(parameters.traits ?? [])].flat().map((name) => `traits.${name}`);
    return [...Object.keys(parameters).filter((key) => key !== 'metadata' && key !== 'traits'), ...keys, ...traits];
  },
  step(parameters, item) {
    return { out: [{ item: isEvent(item) ? renamedEvent(parameters, item) : renamedSample(parameters, item) }] };
  },
};

/** The same object when nothing is renamed, so that it keeps its id. */
function renamedSample({ name, unit, metadata }: Parameters, sample: Sample): Sample {
  const [newName, newUnit] = [name?.get(sample.name), unit?.get(sample.unit)];
  const newMetadata = metadata === undefined ? sample.resource_metadata : renamedKeys(metadata, sample.resource_metadata);
  if (newName === undefined && newUnit === undefined && newMetadata === sample.resource_metadata) return sample;
  return { ...sample, name: newName ?? sample.name, unit: newUnit ?? sample.unit, resource_metadata: newMetadata };
}

function renamedEvent({ event_type, traits }: Parameters, event: Event): Event {
  const newType = event_type?.get(event.event_type);
  const isTouched = traits !== undefined && event.traits.some(([name]) => traits.has(name));
  if (newType === undefined && !isTouched) return event;
  const newTraits = isTouched
    ? event.traits.map(([name, type, value]) => [traits.get(name) ?? name, type, value] as const)
    : event.traits;
  return { ...event, event_type: newType ?? event.event_type, traits: newTraits };
}

/** An old key takes the place of one that has its new name already. */
function renamedKeys(names: ReadonlyMap<string, string>, metadata: JsonObject): JsonObject {
  const keys = Object.keys(metadata);
  if (!keys.some((key) => names.has(key))) return metadata;
  const taken = new Set(keys.flatMap((key) => names.get(key) ?? []));
  const kept = Object.entries(metadata).filter(([key]) => names.has(key) || !taken.has(key));
  return Object.fromEntries(kept.map(([key, value]) => [names.get(key) ?? key, value]));
}
