import { isObject, type Json, type JsonObject } from '../model/json.ts';
import { parseJson } from '../model/json-text.ts';
import type { Got } from '../pipeline/mock-target.ts';

/** What a target got, in the words of a test file. */
export function toWritten(got: Got): JsonObject {
  if (got.kind === 'handed') return { ...got.to, body: got.body };
  const { kind: _, ...fields } = got;
  return fields;
}

/** The body as what is expected of it: a text as it is, else as the JSON that it is, JSON Lines as a list of them, out of the envelope of oslo.messaging. */
export function readBody(expected: JsonObject, got: JsonObject): JsonObject {
  const text = got['body'];
  if (typeof text !== 'string' || typeof (expected['body'] ?? '') === 'string') return got;
  const body = opened(readJson(text)) ?? readLines(text);
  return body === undefined ? got : { ...got, body };
}

function opened(body: Json | undefined): Json | undefined {
  const inner = body !== undefined && isObject(body) ? body['oslo.message'] : undefined;
  return typeof inner === 'string' ? readJson(inner) : body;
}

function readLines(text: string): Json | undefined {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map(readJson);
  return lines.every((line) => line !== undefined) ? lines : undefined;
}

function readJson(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined; // it is compared as the text that it is
  }
}
