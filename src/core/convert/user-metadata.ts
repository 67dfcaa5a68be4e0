import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { PythonError } from '../python/python-error.ts';
import { pyCut } from '../python/text.ts';

export interface ReservedMetadata {
  readonly namespace: readonly string[];
  readonly length: number;
  readonly keys: readonly string[];
}

/**
 * The tags that users gave a resource for metering: keys with a reserved prefix (cut off) and reserved keys, dots made `_`, texts cut to
 * `length`; keys that `metadata` has already are left out. Throws an AttributeError when `tags` is no object.
 */
export function reservedUserMetadata(tags: Json, metadata: JsonObject, reserved: ReservedMetadata): JsonObject {
  if (reserved.namespace.length + reserved.keys.length === 0) return {};
  if (!isObject(tags)) throw new PythonError('AttributeError', 'user metadata is no object');
  const kept: [string, Json][] = [];
  for (const prefix of reserved.namespace) {
    for (const key of Object.keys(tags)) {
      const name = key.startsWith(prefix) ? key.slice(prefix.length).replaceAll('.', '_') : undefined;
      if (name !== undefined && !Object.hasOwn(metadata, name)) kept.push([name, cut(tags[key] as Json, reserved.length)]);
    }
  }
  for (const key of reserved.keys) {
    const name = key.replaceAll('.', '_');
    if (Object.hasOwn(tags, key) && !Object.hasOwn(metadata, name)) kept.push([name, cut(tags[key] as Json, reserved.length)]);
  }
  return Object.fromEntries(kept);
}

function cut(value: Json, length: number): Json {
  return typeof value === 'string' ? pyCut(value, length) : value;
}
