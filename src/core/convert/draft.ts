import type { Json, JsonObject } from '../../model/json.ts';
import { type Sample, type SampleType, sampleTypes } from '../../model/sample.ts';
import { PythonError } from '../python/python-error.ts';
import { pyRepr } from '../python/text.ts';

/** A sample as its endpoint built it: any JSON where a definition may have found it, no id yet (but `telemetry.polling` brings one). */
export interface SampleDraft {
  readonly name: Json;
  readonly type: Json;
  readonly unit: Json;
  readonly volume: Json;
  readonly user_id: Json;
  readonly user_name: Json;
  readonly project_id: Json;
  readonly project_name: Json;
  readonly resource_id: Json;
  readonly timestamp: Json;
  readonly resource_metadata: JsonObject;
  readonly source: Json;
  readonly id: Json;
}

/** `Sample.__init__`'s only check. */
export function sampleType(type: Json): SampleType {
  const known = sampleTypes.find((name) => name === type);
  if (known === undefined) throw new PythonError('ValueError', `unsupported sample type ${pyRepr(type).slice(0, 80)}`);
  return known;
}

/** Ceilometer passes on whatever a definition found; so its fields are called texts here although a path may have found a number. */
export function toSample(draft: SampleDraft, name: string, id: string, source: string): Sample {
  return {
    id,
    source,
    name,
    type: draft.type as SampleType,
    unit: draft.unit as string,
    volume: draft.volume,
    user_id: draft.user_id as string | null,
    user_name: draft.user_name as string | null,
    project_id: draft.project_id as string | null,
    project_name: draft.project_name as string | null,
    resource_id: draft.resource_id as string,
    timestamp: draft.timestamp as string,
    resource_metadata: draft.resource_metadata,
    monotonic_time: null,
  };
}
