import { Fault } from './faults.ts';
import { type Json, toFloat, toInt } from './json.ts';

export interface JsonLimits {
  readonly maxDepth: number;
  readonly maxString: number;
}

/** Python refuses longer integers too (sys.int_info.default_max_str_digits): converting them is quadratic. */
export const mostDigits = 4300;
const numberToken = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;

interface Reader {
  readonly text: string;
  readonly limits: JsonLimits;
  at: number;
}

/** The careful way of `parseJson`: every number exactly, every limit, every complaint with its place. */
export function readJson(text: string, limits: JsonLimits): Json {
  const reader: Reader = { text, limits, at: 0 };
  const value = readValue(reader, 0);
  skipSpace(reader);
  if (reader.at < text.length) throw unexpected(reader);
  return value;
}

function readValue(reader: Reader, depth: number): Json {
  skipSpace(reader);
  switch (reader.text.charCodeAt(reader.at)) {
    case 0x22:
      return readString(reader);
    case 0x7b:
      return readObject(reader, enter(reader, depth));
    case 0x5b:
      return readArray(reader, enter(reader, depth));
    case 0x74:
      return readWord(reader, 'true', true);
    case 0x66:
      return readWord(reader, 'false', false);
    case 0x6e:
      return readWord(reader, 'null', null);
    default:
      return readNumber(reader);
  }
}

function enter(reader: Reader, depth: number): number {
  if (depth < reader.limits.maxDepth) return depth + 1;
  throw new Fault('poison', 'too_deep', `JSON is nested deeper than ${reader.limits.maxDepth} at character ${reader.at}`);
}

function readObject(reader: Reader, depth: number): Json {
  const object: { [key: string]: Json } = {};
  reader.at++;
  if (take(reader, 0x7d)) return object;
  for (;;) {
    skipSpace(reader);
    const key = readString(reader);
    if (!take(reader, 0x3a)) throw unexpected(reader, '":"');
    const value = readValue(reader, depth);
    if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
    else object[key] = value;
    if (take(reader, 0x7d)) return object;
    if (!take(reader, 0x2c)) throw unexpected(reader, '"," or "}"');
  }
}

function readArray(reader: Reader, depth: number): Json {
  const array: Json[] = [];
  reader.at++;
  if (take(reader, 0x5d)) return array;
  for (;;) {
    array.push(readValue(reader, depth));
    if (take(reader, 0x5d)) return array;
    if (!take(reader, 0x2c)) throw unexpected(reader, '"," or "]"');
  }
}

function readString(reader: Reader): string {
  const { text, limits } = reader;
  const start = reader.at;
  if (text.charCodeAt(start) !== 0x22) throw unexpected(reader, 'a string');
  let end = start + 1;
  let escaped = false;
  for (; ; end++) {
    const code = text.charCodeAt(end);
    if (code === 0x22) break;
    if (code === 0x5c) {
      escaped = true;
      end++;
    } else if (!(code >= 0x20)) {
      reader.at = end;
      throw unexpected(reader, 'the end of a string');
    }
  }
  const value = escaped ? decodeEscapes(reader, text.slice(start, end + 1)) : text.slice(start + 1, end);
  if (value.length > limits.maxString) {
    const message = `a string of ${value.length} characters at character ${start}, at most ${limits.maxString} are allowed`;
    throw new Fault('poison', 'string_too_long', message);
  }
  reader.at = end + 1;
  return value;
}

function decodeEscapes(reader: Reader, token: string): string {
  try {
    return JSON.parse(token) as string;
  } catch (cause) {
    throw new Fault('poison', 'bad_json', `bad escape in the string at character ${reader.at}`, { cause });
  }
}

function readWord<T extends Json>(reader: Reader, word: string, value: T): T {
  if (!reader.text.startsWith(word, reader.at)) throw unexpected(reader);
  reader.at += word.length;
  return value;
}

function readNumber(reader: Reader): Json {
  numberToken.lastIndex = reader.at;
  const match = numberToken.exec(reader.text);
  if (match === null) throw notANumber(reader);
  const [token, fraction, exponent] = match;
  reader.at += token.length;
  if (fraction === undefined && exponent === undefined) {
    if (token.length < 16) return Number(token) || 0;
    const digits = token.charCodeAt(0) === 0x2d ? token.length - 1 : token.length;
    if (digits > mostDigits) throw badNumber(`an integer of ${digits} digits`, reader);
    return toInt(BigInt(token));
  }
  const value = Number(token);
  if (!Number.isFinite(value)) throw badNumber(`${token.slice(0, 40)} is out of range`, reader);
  return toFloat(value);
}

function notANumber(reader: Reader): Fault {
  const word = /-?(?:NaN|Infinity)/y;
  word.lastIndex = reader.at;
  const found = word.exec(reader.text);
  return found === null ? unexpected(reader) : badNumber(`JSON has no ${found[0]}`, reader);
}

function badNumber(what: string, reader: Reader): Fault {
  return new Fault('poison', 'bad_number', `${what} (character ${reader.at})`);
}

function skipSpace(reader: Reader): void {
  for (;;) {
    const code = reader.text.charCodeAt(reader.at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
    reader.at++;
  }
}

function take(reader: Reader, code: number): boolean {
  skipSpace(reader);
  if (reader.text.charCodeAt(reader.at) !== code) return false;
  reader.at++;
  return true;
}

function unexpected(reader: Reader, expected = 'a value'): Fault {
  const { text, at } = reader;
  const found = at < text.length ? JSON.stringify(text.slice(at, at + 12)) : 'the end';
  return new Fault('poison', 'bad_json', `expected ${expected} but found ${found} at character ${at}`);
}
