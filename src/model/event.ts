import type { Json, JsonObject } from './json.ts';

/** Wire dtypes of Ceilometer's traits. */
export const traitTypes = { none: 0, text: 1, int: 2, float: 3, datetime: 4 } as const;
export type TraitType = (typeof traitTypes)[keyof typeof traitTypes];
export type Trait = readonly [name: string, dtype: TraitType, value: Json];

/** A typed fact. `generated` is naive UTC in ISO form, as in the wire model. `raw` is the whole notification or `{}`. */
export interface Event {
  readonly message_id: string;
  readonly event_type: string;
  readonly generated: string;
  readonly traits: readonly Trait[];
  readonly raw: JsonObject;
}
