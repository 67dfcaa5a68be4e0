import { Float, isObject, type Json } from '../../model/json.ts';
import { printJson, quoteJson } from '../../model/json-text.ts';
import { compareText, pyStr } from '../python/text.ts';

/** JSON with sorted keys: equal values have equal texts, however their keys were ordered. Total: what JSON cannot say is Python's word. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'bigint' || (value instanceof Float && !Number.isFinite(value.value))) return pyStr(value);
  if (!isObject(value)) return printJson(value);
  const keys = Object.keys(value).sort(compareText);
  return `{${keys.map((key) => `${quoteJson(key)}:${canonicalJson(value[key] as Json)}`).join(',')}}`;
}
