import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { compareText, pyRepr, pyStr } from '../python/text.ts';

// What Ceilometer's message signature hashes: for every (name, value) of the message sorted by name, `str(name)` and
// `str(value)` of Python, without any separator. Nested objects join their names with `:`; in lists every text became bytes
// (`[b'x', 2]`), which is why `repr(bytes)` is here.

/** Turns the hashed text into a hex signature; `lib/hmac.ts` makes one from a secret. */
export type Sign = (text: string) => string;

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

function sortedKeys(object: JsonObject): string[] {
  return Object.keys(object).sort(compareText);
}

/** `repr` of a value whose texts (keys too) were encoded to bytes. */
function bytesRepr(value: Json): string {
  if (typeof value === 'string') return quoteBytes(value);
  if (Array.isArray(value)) return `[${value.map(bytesRepr).join(', ')}]`;
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
