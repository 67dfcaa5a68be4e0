import { isObject, type Json, type JsonObject, toFloat, toInt } from '../../model/json.ts';
import { isEqual, isTruthy } from '../python/compare.ts';
import { parseDateTime, secondsBetween } from '../python/datetime.ts';
import { isInt, pyInt } from '../python/number.ts';
import { PythonError } from '../python/python-error.ts';
import { pySplit, pyStr } from '../python/text.ts';
import { brokenDefinition, quoted, skippedDefinition } from './definition-error.ts';

export type Match = readonly [path: string, value: Json];

/** Makes values of a field's matches; null ones are passed over by the caller. */
export interface TraitPlugin {
  readonly values: (matches: readonly Match[]) => readonly Json[];
  /** May be used under `lookup`. */
  readonly severalValues: boolean;
}

const plugins: { readonly [name: string]: (what: string, parameters: JsonObject) => TraitPlugin } = {
  split: splitPlugin,
  bitfield: bitfieldPlugin,
  timedelta: () => ({ values: timedelta, severalValues: false }),
  map: mapPlugin,
};

/** Throws a DefinitionError for an unknown name or parameters the plugin cannot start with. Unknown parameters are ignored. */
export function createTraitPlugin(what: string, name: string, parameters: JsonObject): TraitPlugin {
  const create = Object.hasOwn(plugins, name) ? plugins[name] : undefined;
  if (create === undefined)
    throw skippedDefinition(`${what}: there is no plugin ${quoted(name)}; there are ${Object.keys(plugins).join(', ')}`);
  return create(what, parameters);
}

function parameter(parameters: JsonObject, name: string, fallback: Json): Json {
  return Object.hasOwn(parameters, name) ? (parameters[name] as Json) : fallback;
}

/** `str(value).split(separator, max_split)[segment]`. */
function splitPlugin(_: string, parameters: JsonObject): TraitPlugin {
  const separator = parameter(parameters, 'separator', '.');
  const segment = parameter(parameters, 'segment', 0);
  const most = parameter(parameters, 'max_split', null);
  const one = ([, value]: Match): Json => {
    if (!isIndex(segment) || !(most === null || isIndex(most)))
      throw new PythonError('TypeError', 'segment and max_split must be integers');
    return splitText(pyStr(value), separator, most === null ? undefined : Number(most)).at(Number(segment)) ?? null;
  };
  return { values: (matches) => matches.map(one), severalValues: true };
}

function isIndex(value: Json): boolean {
  return isInt(value) || typeof value === 'boolean';
}

function splitText(text: string, separator: Json, most: number | undefined): string[] {
  if (separator === null) return splitWords(text, most);
  if (typeof separator !== 'string') throw new PythonError('TypeError', 'must be str or None');
  if (separator === '') throw new PythonError('ValueError', 'empty separator');
  return pySplit(text, separator, most);
}

function splitWords(text: string, most: number | undefined): string[] {
  const words: string[] = [];
  let rest = text.trimStart();
  while (rest !== '') {
    const end = rest.search(/\s/);
    if (end < 0 || (most !== undefined && most >= 0 && words.length >= most)) return [...words, end < 0 ? rest : rest.trimEnd()];
    words.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return words;
}

/** Sets bits for paths that matched; always one value. */
function bitfieldPlugin(_: string, parameters: JsonObject): TraitPlugin {
  const initial = parameter(parameters, 'initial_bitfield', 0);
  const flags = parameter(parameters, 'flags', null) ?? [];
  const values = (matches: readonly Match[]): Json[] => {
    const found = new Map(matches);
    let bits: Json = initial;
    if (!Array.isArray(flags)) throw new PythonError('TypeError', 'flags is not a list');
    for (const flag of flags as readonly Json[]) {
      if (!isObject(flag)) throw new PythonError('TypeError', 'a flag is not an object');
      if (!Object.hasOwn(flag, 'path') || !Object.hasOwn(flag, 'bit')) throw new PythonError('KeyError', 'path or bit');
      const bit = pyInt(flag['bit'] as Json);
      const path = flag['path'] as Json;
      if (typeof path !== 'string' || !found.has(path)) continue;
      if (Object.hasOwn(flag, 'value') && !isEqual(found.get(path) as Json, flag['value'] as Json)) continue;
      bits = withBit(bits, bit);
    }
    return [bits];
  };
  return { values, severalValues: false };
}

const mostBits = 4096;

function withBit(bits: Json, bit: number | bigint): Json {
  const number = typeof bits === 'boolean' ? Number(bits) : bits;
  if (!isInt(number) || bit < 0) throw new PythonError('TypeError', 'unsupported operand types for |=');
  if (bit > mostBits) throw new PythonError('MemoryError', `bit ${bit} is above ${mostBits}`);
  return toInt(BigInt(number) | (1n << BigInt(bit)));
}

/** Seconds between exactly two times; no value for anything else. */
function timedelta(matches: readonly Match[]): Json[] {
  const [start, end] = matches;
  if (start === undefined || end === undefined || matches.length !== 2) return [];
  try {
    return [toFloat(Math.abs(secondsBetween(parseDateTime(start[1]), parseDateTime(end[1]))))];
  } catch (error) {
    if (error instanceof PythonError) return [];
    throw error;
  }
}

function mapPlugin(what: string, parameters: JsonObject): TraitPlugin {
  const table = parameter(parameters, 'values', null);
  if (!isObject(table) || Object.keys(table).length === 0)
    throw brokenDefinition(`${what}: the map plugin needs "values", an object that is not empty`);
  const fallback = parameter(parameters, 'default', null);
  const exact = isTruthy(parameter(parameters, 'case_sensitive', true));
  const known = new Map(Object.entries(table).map(([key, value]) => [exact ? key : foldCase(key), value]));
  const one = ([, key]: Match): Json => {
    if (typeof key === 'object' && key !== null && (Array.isArray(key) || isObject(key)))
      throw new PythonError('TypeError', 'unhashable type');
    if (typeof key !== 'string') return fallback;
    const value = known.get(exact ? key : foldCase(key));
    return value === undefined ? fallback : value;
  };
  return { values: (matches) => matches.map(one), severalValues: false };
}

/** Nearly `str.casefold()`: upper case first, so that `ß` meets `SS`. */
function foldCase(text: string): string {
  return text.toUpperCase().toLowerCase();
}
