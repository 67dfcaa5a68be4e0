import type { Trait } from '../../model/event.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { compareText, pyRepr, pyStr } from '../python/text.ts';

// What Ceilometer's message signature hashes: for every (name, value) of the message sorted by name, `str(name)` and
// `str(value)` of Python, without any separator. Nested objects join their names with `:`; in lists every text became bytes
// (`[b'x', 2]`), which is why `repr(bytes)` is here.

/** Turns the hashed text into a hex signature; `lib/hmac.ts` makes one from a secret. */
export interface Sign {
  (text: string): string;
  /** It has no secret and gives empty signatures: the text need not be made. */
  readonly empty?: boolean;
}

/** The text a message's signature is computed over; an own `message_signature` is left out. */
export function signatureText(message: JsonObject): string {
  let text = '';
  for (const name of sortedKeys(message)) if (name !== 'message_signature') text += namedText(name, message[name] as Json);
  return text;
}

/** The part of one name and value, for callers that know the order of a fixed shape. */
export function namedText(name: string, value: Json): string {
  if (isObject(value)) {
    let text = '';
    for (const key of sortedKeys(value)) text += namedText(`${name}:${key}`, value[key] as Json);
    return text;
  }
  return name + (Array.isArray(value) ? bytesRepr(value) : pyStr(value));
}

const surrogate = /[\ud800-\udfff]/;

/** In Python's order. JavaScript's own is the same where no key needs surrogates, at a sixth of the price. */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  return keys.some((key) => surrogate.test(key)) ? keys.sort(compareText) : keys.sort();
}

/** `namedText('traits', traits)`. The names are those of the definitions, so each is quoted once. */
export function traitsText(traits: readonly Trait[]): string {
  let text = '';
  for (const [name, type, value] of traits)
    text += `${text === '' ? '[' : ', ['}${quotedName(name)}, ${type}, ${bytesRepr(value)}]`;
  return `traits[${text}]`;
}

const quotedNames = new Map<string, string>();
const mostNames = 1024;

function quotedName(name: string): string {
  const known = quotedNames.get(name);
  if (known !== undefined) return known;
  const quoted = quoteBytes(name);
  if (quotedNames.size < mostNames && name.length < 64) quotedNames.set(name, quoted);
  return quoted;
}

/** `repr` of a value whose texts (keys too) were encoded to bytes. */
function bytesRepr(value: Json): string {
  if (typeof value === 'string') return quoteBytes(value);
  if (Array.isArray(value)) {
    let text = '';
    for (const inner of value) text += text === '' ? bytesRepr(inner) : `, ${bytesRepr(inner)}`;
    return `[${text}]`;
  }
  if (!isObject(value)) return pyRepr(value);
  return `{${sortedKeys(value)
    .map((key) => `${quoteBytes(key)}: ${bytesRepr(value[key] as Json)}`)
    .join(', ')}}`;
}

const plain = /^[\u0020-\u0026\u0028-\u005b\u005d-\u007e]*$/;
const encoder = new TextEncoder();
const named: { readonly [code: number]: string | undefined } = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' };

function quoteBytes(text: string): string {
  if (plain.test(text)) return `b'${text}'`;
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let escaped = '';
  for (const code of encoder.encode(text)) {
    if (code === 0x27 && quote === "'") escaped += "\\'";
    else if (code < 0x20 || code > 0x7e || code === 0x5c) escaped += named[code] ?? `\\x${code.toString(16).padStart(2, '0')}`;
    else escaped += String.fromCharCode(code);
  }
  return `b${quote}${escaped}${quote}`;
}
