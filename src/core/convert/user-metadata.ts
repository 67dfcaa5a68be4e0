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
  const kept: [string, Json][] = [];
  const keep = (key: string, value: Json) => {
    const name = key.replaceAll('.', '_');
    if (!Object.hasOwn(metadata, name)) kept.push([name, typeof value === 'string' ? pyCut(value, reserved.length) : value]);
  };
  if (reserved.namespace.length + reserved.keys.length === 0) return {};
  if (!isObject(tags)) throw new PythonError('AttributeError', 'user metadata is no object');
  for (const prefix of reserved.namespace)
    for (const key of Object.keys(tags)) if (key.startsWith(prefix)) keep(key.slice(prefix.length), tags[key] as Json);
  for (const key of reserved.keys) if (Object.hasOwn(tags, key)) keep(key, tags[key] as Json);
  return Object.fromEntries(kept);
}
