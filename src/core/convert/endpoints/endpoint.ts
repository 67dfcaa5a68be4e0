import { isObject, type Json, type JsonObject } from '../../../model/json.ts';
import { PythonError } from '../../python/python-error.ts';
import type { NotificationDocument } from '../document.ts';
import type { SampleDraft } from '../draft.ts';

/** Makes samples of the notifications whose event type it takes. `build` throws a PythonError where Ceilometer raises. */
export interface SampleEndpoint {
  readonly matches: (eventType: string) => boolean;
  readonly build: (document: NotificationDocument) => readonly SampleDraft[];
}

/** `value[name]` of Python: only objects have items, and a missing one is a KeyError. */
export function item(value: Json, name: string): Json {
  if (!isObject(value)) throw new PythonError('TypeError', 'the value has no items');
  if (!Object.hasOwn(value, name)) throw new PythonError('KeyError', name);
  return value[name] as Json;
}

/** `value.get(name)`. */
export function get(value: Json, name: string): Json {
  return Object.hasOwn(objectOf(value), name) ? (objectOf(value)[name] as Json) : null;
}

export function objectOf(value: Json): JsonObject {
  if (!isObject(value)) throw new PythonError('AttributeError', 'the value is no object');
  return value;
}
