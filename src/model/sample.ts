import type { Json, JsonObject, Numeric } from './json.ts';

export const sampleTypes = ['gauge', 'delta', 'cumulative'] as const;
export type SampleType = (typeof sampleTypes)[number];

/**
 * A metered value, in the field names of Ceilometer's `Sample.as_dict` (the JSON Lines wire model), so that a line, an
 * expression (`resource_metadata.cpu_number`) and the code say the same word. `timestamp` is ISO 8601 with the offset it
 * came with. Never changed after it is made.
 */
export interface Sample {
  readonly id: string;
  readonly source: string;
  readonly name: string;
  readonly type: SampleType;
  readonly unit: string;
  /** A number; where a definition matched a numeric string, that string (Ceilometer publishes it unchanged). */
  readonly volume: Json;
  readonly user_id: string | null;
  readonly user_name: string | null;
  readonly project_id: string | null;
  readonly project_name: string | null;
  readonly resource_id: string;
  readonly timestamp: string;
  readonly resource_metadata: JsonObject;
  readonly monotonic_time: Numeric | null;
}
