import { isObject, type Json } from '../../model/json.ts';
import { printJson, quoteJson } from '../../model/json-text.ts';
import { compareText } from '../python/text.ts';

/** JSON with sorted keys: equal values have equal texts, however their keys were ordered. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return printJson(value);
  const keys = Object.keys(value).sort(compareText);
  return `{${keys.map((key) => `${quoteJson(key)}:${canonicalJson(value[key] as Json)}`).join(',')}}`;
}
