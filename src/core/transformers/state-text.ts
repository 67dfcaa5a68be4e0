import { Float, isObject, type Json } from '../../model/json.ts';
import { parseJson, printJson } from '../../model/json-text.ts';

// JSON has no infinity, but a computed volume may be infinite (`1e400`, an overflow) and then be held by the next step. Such a float
// stands in a state as an object no sample can hold, since its key is a NUL with a fixed word behind it.
const marker = '\u0000float';
const markerText = '"\\u0000float"';

export function printState(state: Json): string {
  return printJson(hasNonFinite(state) ? wrap(state) : state);
}

export function parseState(text: string): Json {
  const state = parseJson(text);
  return text.includes(markerText) ? unwrap(state) : state;
}

function hasNonFinite(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof Float) return !Number.isFinite(value.value);
  if (Array.isArray(value)) return value.some(hasNonFinite);
  for (const key in value) if (hasNonFinite((value as { readonly [key: string]: Json })[key] as Json)) return true;
  return false;
}

function wrap(value: Json): Json {
  if (value instanceof Float) return Number.isFinite(value.value) ? value : { [marker]: `${value.value}` };
  return mapInside(value, wrap);
}

function unwrap(value: Json): Json {
  if (isObject(value) && typeof value[marker] === 'string') return new Float(Number(value[marker]));
  return mapInside(value, unwrap);
}

function mapInside(value: Json, change: (inner: Json) => Json): Json {
  if (Array.isArray(value)) return value.map(change);
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)])) : value;
}
