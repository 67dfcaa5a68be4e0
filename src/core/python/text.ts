import { Float, type Json } from '../../model/json.ts';
import { floatText } from '../../model/json-text.ts';

// Python's `str()` and `repr()` of JSON values. Text traits and signatures are made of them, so every character counts.

/** `str(value)`. */
export function pyStr(value: Json): string {
  return typeof value === 'string' ? value : pyRepr(value);
}

/** `repr(value)`. */
export function pyRepr(value: Json): string {
  if (typeof value === 'string') return quoteText(value);
  if (typeof value === 'number') return Number.isInteger(value) ? `${value}` : floatText(value);
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Float) return floatText(value.value);
  if (Array.isArray(value)) return `[${value.map(pyRepr).join(', ')}]`;
  const entries = Object.entries(value as { readonly [key: string]: Json });
  return `{${entries.map(([key, inner]) => `${quoteText(key)}: ${pyRepr(inner)}`).join(', ')}}`;
}

const plain = /^[\u0020-\u0026\u0028-\u005b\u005d-\u007e]*$/;
const escapes = /[\\\n\r\t]|[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

function quoteText(text: string): string {
  if (plain.test(text)) return `'${text}'`;
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(escapes, escapeCharacter);
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

const named: { readonly [character: string]: string } = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeCharacter(character: string): string {
  const short = named[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

const surrogate = /[\ud800-\udfff]/;

/** `len(text)`: code points, not UTF-16 units. */
export function pyLength(text: string): number {
  return surrogate.test(text) ? [...text].length : text.length;
}

/** `text[:length]`. */
export function pyCut(text: string, length: number): string {
  if (text.length <= length) return text;
  return surrogate.test(text) ? [...text].slice(0, length).join('') : text.slice(0, length);
}

/** `text[index]`, negative from the end; undefined where Python raises IndexError. */
export function pyCharacter(text: string, index: number): string | undefined {
  return surrogate.test(text) ? [...text].at(index) : text.at(index);
}

/** Python's order of strings (by code point); JavaScript's own differs above U+FFFF. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  if (!surrogate.test(a) && !surrogate.test(b)) return a < b ? -1 : 1;
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** `text.split(separator, most)`; `most` undefined or negative is no limit. The separator must not be empty. */
export function pySplit(text: string, separator: string, most?: number): string[] {
  if (most === 1) {
    // What definitions ask for; nothing of what follows is cut only to be joined again.
    const at = text.indexOf(separator);
    return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
  }
  const parts = text.split(separator);
  if (most === undefined || most < 0 || parts.length <= most + 1) return parts;
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}
