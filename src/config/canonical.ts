import { Float, type Json } from '../model/json.ts';
import { printJson } from '../model/json-text.ts';
import { stableId } from '../model/stable-hash.ts';

/** JSON with sorted keys: one text per value, whatever order it was written in. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === undefined) return 'null';
  if (value instanceof Float && !Number.isFinite(value.value)) return `"${value.value}"`; // PyYAML's .inf and .nan, which JSON has not
  if (typeof value === 'bigint') return value.toString(); // of any length, which a message could not have
  if (typeof value !== 'object' || value === null || value instanceof Float) return printJson(value as Json);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${printJson(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

export function hashOf(value: unknown): string {
  return stableId([canonicalJson(value)]);
}

/** Nothing but what JSON can hold? A schema may have turned an expression into a program; then the text as written stands for it. */
export function isPureJson(value: unknown): boolean {
  if (value === null || value instanceof Float) return true;
  if (Array.isArray(value)) return value.every(isPureJson);
  if (typeof value === 'object') {
    const prototype = Object.getPrototypeOf(value);
    return (
      (prototype === Object.prototype || prototype === null) &&
      Object.values(value).every((each) => each === undefined || isPureJson(each))
    );
  }
  return typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint' || Number.isFinite(value);
}
