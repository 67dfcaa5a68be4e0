import { Float, isObject, type Json, type JsonObject } from '../../model/json.ts';
import { parseJson, printJson } from '../../model/json-text.ts';

// JSON has no infinity, but a computed volume may be infinite (`1e400`, an overflow) and then be held by the next step. Such a float
// stands in a state as an object with one key of its own.
const marker = '\u0000float';
const markerText = '"\\u0000float"';

export function printState(state: Json): string {
  return printJson(needsWrapping(state) ? wrap(state) : state);
}

export function parseState(text: string): Json {
  const state = parseJson(text);
  return text.includes(markerText) ? unwrap(state) : state;
}

function needsWrapping(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof Float) return !Number.isFinite(value.value);
  if (Array.isArray(value)) return value.some(needsWrapping);
  for (const key in value) if (key === marker || needsWrapping((value as JsonObject)[key] as Json)) return true;
  return false;
}

function wrap(value: Json): Json {
  if (value instanceof Float) return Number.isFinite(value.value) ? value : { [marker]: `${value.value}` };
  const inside = mapInside(value, wrap);
  // A message may bring the marker itself: it is wrapped once more, so that it comes back as it was.
  return isObject(inside) && Object.hasOwn(inside, marker) ? { [marker]: inside } : inside;
}

function unwrap(value: Json): Json {
  const marked = isObject(value) && Object.hasOwn(value, marker) ? value[marker] : undefined;
  if (typeof marked === 'string') return new Float(Number(marked));
  return mapInside(marked ?? value, unwrap);
}

function mapInside(value: Json, change: (inner: Json) => Json): Json {
  if (Array.isArray(value)) return value.map(change);
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)])) : value;
}
