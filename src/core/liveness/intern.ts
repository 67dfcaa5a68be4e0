import type { JsonObject } from '../../model/json.ts';
import { fromJson, toJson } from './host-definition.ts';

const most = 10_000;
const known = new Map<string, unknown>();

/**
 * A definition whose lists are those of every other host that has the same: a hundred thousand hosts of a few templates hold a few lists. Any
 * other row as it is.
 */
export function interned(row: JsonObject): JsonObject {
  if (!Array.isArray(row['services']) || !Array.isArray(row['triggers'])) return row;
  const definition = fromJson(row);
  const { groups, parents, services, triggers, maintenance } = definition;
  const lists = { groups: shared(groups), parents: shared(parents), services: shared(services) };
  return toJson({ ...definition, ...lists, triggers: shared(triggers), maintenance: shared(maintenance) });
}

/** The value, or an equal one from before: never change what it gives. */
export function shared<T>(value: T): T {
  const text = JSON.stringify(value);
  const there = known.get(text);
  if (there !== undefined) return there as T;
  // Templates that nobody has any more must not stay for ever.
  if (known.size >= most) known.clear();
  known.set(text, value);
  return value;
}
