import { Fault } from './faults.ts';
import { Float, type Json } from './json.ts';
import { type JsonLimits, mostDigits, readJson } from './json-reader.ts';

// The text codec of `Json`. `JSON.parse` is five times faster than any parser of ours but loses three things: `1.0` becomes an
// int, integers above 2^53 lose digits, and `1e400` becomes infinite. So a text is first searched for a number that could
// suffer; it is anchored to where a value can begin, because all-digit tenant ids and `…:00.000000` timestamps in strings
// would otherwise send every second message to the slow reader (0 false alarms on 20,000 recorded messages this way).
// A false alarm costs time only: both ways give the same value.
// The cheap test comes first (a digit after `:`, `[`, `,` or a blank), then the look-behind at what stood before: 0.12 instead of 0.30 CPU
// seconds per 100,000 messages of 2 kB.
const valueStart = String.raw`[:[,\s]-?(?=\d)(?<=(?:["\s]:|[[,])\s*-?)`;
const unsafeNumber = new RegExp(
  `${valueStart}(?:` +
    String.raw`\d+(?:\.\d+)?[eE]|` + // an exponent
    String.raw`\d+\.0+(?!\d)|` + // an integral float
    String.raw`\d+\.(?:0{6}|9{6})|\d{10,}\.|` + // a fraction that may round to an integer
    String.raw`\d{16}|` + // more digits than a double keeps
    String.raw`(?<=-)0(?![.\d]))`, // -0 is the int 0
);

const defaultLimits: JsonLimits = { maxDepth: 128, maxString: Number.POSITIVE_INFINITY };

/**
 * Parses without losing anything `Json` can tell apart. Throws a poison `Fault`: `bad_json`, `bad_number` (NaN, Infinity,
 * 1e400, more than 4,300 digits), `too_deep`, `string_too_long` (in UTF-16 units; keys count as strings).
 */
export function parseJson(text: string, limits: JsonLimits = defaultLimits): Json {
  const isContainer = text.charCodeAt(0) === 0x7b || text.charCodeAt(0) === 0x5b;
  if (!isContainer || text.length > limits.maxString || nestsDeeperThan(text, limits.maxDepth) || unsafeNumber.test(text))
    return readJson(text, limits);
  try {
    return JSON.parse(text) as Json;
  } catch {
    return readJson(text, limits); // fails too, but says where and why
  }
}

/** Openers are counted first, those in strings too: an upper bound of the depth at the price of two `memchr`s. */
function nestsDeeperThan(text: string, most: number): boolean {
  return most !== Number.POSITIVE_INFINITY && opensMoreThan(text, most) && depthExceeds(text, most);
}

function opensMoreThan(text: string, most: number): boolean {
  let count = 0;
  for (let at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at + 1)) if (++count > most) return true;
  for (let at = text.indexOf('['); at >= 0; at = text.indexOf('[', at + 1)) if (++count > most) return true;
  return false;
}

// Before `JSON.parse`, not on what it gave: a million openers keep it busy for a second.
function depthExceeds(text: string, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > most) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === 0x5c) before -= 1;
    if ((end - before) % 2 === 0) return end;
  }
  return text.length;
}

/**
 * One line of JSON that `parseJson` reads back as the same value. Throws poison `bad_number` for what is not finite, and for an
 * integer of more than 4,300 digits.
 */
export function printJson(value: Json): string {
  return typeof value === 'object' && value !== null && isPlain(value) ? JSON.stringify(value) : print(value);
}

/** `JSON.stringify` would write the same, and as one flat text: for a rope of a hundred pieces, flattening costs half of making it. */
function isPlain(value: Json): boolean {
  if (typeof value === 'string' || value === null || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value !== 'object' || value instanceof Float) return false;
  if (Array.isArray(value)) {
    for (const inner of value) if (!isPlain(inner)) return false;
    return true;
  }
  const object = value as { readonly [key: string]: Json | undefined };
  for (const key in object) {
    const inner = object[key];
    if (inner !== undefined && !isPlain(inner)) return false;
  }
  return true;
}

function print(value: Json): string {
  if (typeof value === 'string') return quoteJson(value);
  if (typeof value === 'number') return printNumber(value);
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'bigint') return printInt(value);
  if (value instanceof Float) return printFloat(value.value);
  return Array.isArray(value) ? printArray(value) : printObject(value as { readonly [key: string]: Json });
}

function printArray(values: readonly Json[]): string {
  let text = '';
  for (const value of values) text += text === '' ? print(value) : `,${print(value)}`;
  return `[${text}]`;
}

function printObject(object: { readonly [key: string]: Json }): string {
  let text = '';
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (value === undefined) continue;
    text += `${text === '' ? '' : ','}${quoteJson(key)}:${print(value)}`;
  }
  return `{${text}}`;
}

const needsEscape = /[\u0000-\u001f"\\\ud800-\udfff]/;

export function quoteJson(text: string): string {
  return needsEscape.test(text) ? JSON.stringify(text) : `"${text}"`;
}

function printNumber(value: number): string {
  if (Number.isSafeInteger(value)) return `${value}`;
  if (Number.isInteger(value)) return BigInt(value).toString();
  return printFloat(value);
}

function printInt(value: bigint): string {
  const text = value.toString();
  const digits = value < 0n ? text.length - 1 : text.length;
  if (digits > mostDigits) throw new Fault('poison', 'bad_number', `an integer of ${digits} digits`);
  return text;
}

function printFloat(value: number): string {
  if (!Number.isFinite(value)) throw new Fault('poison', 'bad_number', `JSON has no ${value}`);
  return floatText(value);
}

/** A float as Python's `repr` prints it: `1.0`, `1e+16`, `1e-05`, `inf`, `-inf`, `nan`. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const size = Math.abs(value);
  if (size >= 1e16 || size < 1e-4) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  const text = `${value}`;
  return Number.isInteger(value) ? `${text}.0` : text;
}
