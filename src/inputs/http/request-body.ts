import { Problem } from './problem.ts';

/** One notification of a request. `line` counts from 1: the line of JSON Lines, the item of an array. */
export interface Part {
  readonly line: number;
  readonly bytes: Uint8Array;
}

const space = new Set([9, 10, 13, 32]);
const [openBracket, closeBracket, openBrace, closeBrace, comma, quote, backslash] = Buffer.from('[]{},"\\');

/**
 * Cuts a body into its notifications without re-encoding them (numbers keep every digit) and checks that each is a JSON object.
 * Nothing of a request is taken when one of them is not: throws a 400 `Problem` that names the line, 413 above `most`.
 */
export function toParts(body: Uint8Array, ndjson: boolean, most: number): readonly Part[] {
  const parts = ndjson ? linesOf(body, most) : itemsOf(body, most);
  for (const part of parts) check(part);
  return parts;
}

function linesOf(body: Uint8Array, most: number): Part[] {
  const parts: Part[] = [];
  for (let start = 0, line = 1; start < body.length; line++) {
    const newline = body.indexOf(10, start);
    const end = newline === -1 ? body.length : newline;
    const bytes = body.subarray(start, end);
    start = end + 1;
    if (isBlank(bytes)) continue;
    parts.push({ line, bytes });
    bound(parts, most);
  }
  return parts;
}

function itemsOf(body: Uint8Array, most: number): Part[] {
  const start = skipSpace(body, 0);
  if (body[start] !== openBracket) return [{ line: 1, bytes: body }];
  const parts: Part[] = [];
  let at = skipSpace(body, start + 1);
  if (body[at] !== closeBracket) {
    for (;;) {
      const end = endOfItem(body, at);
      parts.push({ line: parts.length + 1, bytes: body.subarray(at, end) });
      bound(parts, most);
      at = end;
      if (body[at] !== comma) break;
      at += 1;
    }
  }
  if (body[at] !== closeBracket || skipSpace(body, at + 1) !== body.length)
    throw new Problem(400, 'the body is not one JSON array', { line: parts.length });
  return parts;
}

/** Where the item ends: at a comma or bracket outside of any string and nesting. What lies between is checked by the JSON parser. */
function endOfItem(body: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < body.length; at++) {
    const byte = body[at];
    if (byte === quote) at = endOfString(body, at);
    else if (byte === openBrace || byte === openBracket) depth += 1;
    else if (depth === 0 && (byte === comma || byte === closeBracket)) return at;
    else if (byte === closeBrace || byte === closeBracket) depth -= 1;
  }
  return body.length;
}

function endOfString(body: Uint8Array, start: number): number {
  for (let at = start + 1; at < body.length; at++) {
    if (body[at] === backslash) at += 1;
    else if (body[at] === quote) return at;
  }
  return body.length;
}

function check({ line, bytes }: Part): void {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Problem(400, `line ${line}: ${cause instanceof Error ? cause.message : String(cause)}`, { line });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Problem(400, `line ${line}: a notification is a JSON object`, { line });
}

function bound(parts: readonly Part[], most: number): void {
  if (parts.length > most) throw new Problem(413, `more than ${most} notifications in one request`);
}

function skipSpace(body: Uint8Array, from: number): number {
  let at = from;
  while (at < body.length && space.has(body[at] ?? 0)) at += 1;
  return at;
}

function isBlank(bytes: Uint8Array): boolean {
  return skipSpace(bytes, 0) === bytes.length;
}
