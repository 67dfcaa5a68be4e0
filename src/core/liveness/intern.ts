import type { JsonObject } from '../../model/json.ts';

const most = 10_000;
const known = new Map<string, unknown>();

/**
 * A definition whose services and triggers are those of every other host that has the same: a hundred thousand hosts of a few templates hold a
 * few lists. Any other row as it is.
 */
export function interned(row: JsonObject): JsonObject {
  const { services, triggers } = row;
  if (!Array.isArray(services) || !Array.isArray(triggers)) return row;
  return { ...row, services: shared(services), triggers: shared(triggers) };
}

function shared<T>(value: T): T {
  const text = JSON.stringify(value);
  const there = known.get(text);
  if (there !== undefined) return there as T;
  // Templates that nobody has any more must not stay for ever.
  if (known.size >= most) known.clear();
  known.set(text, value);
  return value;
}
