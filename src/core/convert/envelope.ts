import { Fault } from '../../model/faults.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { parseJson } from '../../model/json-text.ts';
import { type Notification, type Priority, priorities } from '../../model/notification.ts';
import { stableId } from '../../model/stable-hash.ts';
import { pyRepr } from '../python/text.ts';
import { canonicalJson } from './canonical.ts';

// The three forms a notification comes in:
//
// | form       | body |
// |------------|------|
// | oslo v2    | `{"oslo.version": "2.0", "oslo.message": "<JSON text>"}` |
// | oslo v1    | the inner object itself, context in `_context_*` keys |
// | plain JSON | the same fields, context in `ctxt` (or none) |

export interface DecodeLimits {
  readonly maxBytes?: number;
  readonly maxDepth?: number;
  /** Of one string, in UTF-16 units. */
  readonly maxString?: number;
}

const decoder = new TextDecoder('utf-8', { fatal: true });
const prefix = '_context_';
const underscore = 0x5f;

/**
 * Decodes a raw message. `transportPriority` (the queue's name says it) is used when the message has none. Throws a poison Fault:
 * `too_large`, `bad_utf8`, `bad_json`, `bad_number`, `too_deep`, `string_too_long`, `bad_envelope`, `missing_field`, `bad_field`.
 */
export function decodeNotification(body: Uint8Array, transportPriority?: string, limits: DecodeLimits = {}): Notification {
  const { maxBytes = 1 << 20, maxDepth = 32, maxString = 1 << 16 } = limits;
  if (body.length > maxBytes) throw new Fault('poison', 'too_large', `${body.length} bytes, at most ${maxBytes} are taken`);
  const text = decodeUtf8(body);
  const inner = innerText(text);
  return toNotification(parseJson(inner ?? text, { maxDepth, maxString }), transportPriority);
}

function decodeUtf8(body: Uint8Array): string {
  try {
    return decoder.decode(body);
  } catch (cause) {
    throw new Fault('poison', 'bad_utf8', 'the message is not UTF-8', { cause });
  }
}

/**
 * The message inside an oslo v2 envelope. The envelope has no numbers of interest, so it skips the guarded parser: the guard
 * would only search the escaped inner text, which is searched again anyway.
 */
function innerText(text: string): string | undefined {
  if (!text.includes('"oslo.message"')) return undefined;
  let envelope: unknown;
  try {
    envelope = JSON.parse(text);
  } catch {
    return undefined; // the careful parser says where it is broken
  }
  if (!isObject(envelope)) return undefined;
  const { 'oslo.version': version, 'oslo.message': message } = envelope;
  if (version === undefined || message === undefined) return undefined;
  if (typeof version !== 'string' || !/^2(\.\d+)?$/.test(version))
    throw new Fault('poison', 'bad_envelope', `envelope version ${quote(version)}, only 2.x is known`);
  if (typeof message !== 'string') throw new Fault('poison', 'bad_envelope', 'oslo.message is not a text');
  return message;
}

/** From the parsed inner object, whose fields have names that no object inherits. Throws a poison Fault `bad_envelope`, `missing_field` or `bad_field`. */
export function toNotification(message: Json, transportPriority?: string): Notification {
  if (!isObject(message)) throw new Fault('poison', 'bad_envelope', 'the message is not an object');
  const { payload, message_id: id } = message;
  if (payload === undefined) throw new Fault('poison', 'missing_field', 'the message has no payload');
  const publisherId = message['publisher_id'] === null ? null : textOf(message, 'publisher_id');
  const eventType = textOf(message, 'event_type');
  const timestamp = textOf(message, 'timestamp');
  return {
    // The same content must get the same id wherever it is decoded: copies of it are then recognised.
    message_id:
      typeof id === 'string' && id !== '' ? id : stableId([canonicalJson(payload), publisherId ?? '', timestamp, eventType]),
    publisher_id: publisherId,
    event_type: eventType,
    priority: priorityOf(message, transportPriority),
    payload,
    timestamp,
    ctxt: contextOf(message),
  };
}

/** A stranger's word in a message of ours: not all of a megabyte. */
function quote(value: Json | undefined): string {
  return pyRepr(value ?? null).slice(0, 40);
}

function textOf(message: JsonObject, name: string): string {
  const value = message[name];
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) throw new Fault('poison', 'missing_field', `the message has no ${name}`);
  throw new Fault('poison', 'bad_field', `${name} is not a text`);
}

function priorityOf(message: JsonObject, transportPriority: string | undefined): Priority {
  const own = message['priority'];
  const word = typeof own === 'string' && own !== '' ? own : transportPriority;
  if (word === undefined) throw new Fault('poison', 'missing_field', 'the message has no priority');
  const lower = word.toLowerCase();
  const priority = priorities.find((known) => known === lower);
  if (priority === undefined) throw new Fault('poison', 'bad_field', `priority is ${quote(word)}`);
  return priority;
}

/** `_context_user_id` → `user_id`: the same dozen keys in every message, cut and hashed once. */
const contextNames = new Map<string, string>();
const mostContextNames = 256;

function contextName(key: string): string {
  const known = contextNames.get(key);
  if (known !== undefined) return known;
  const name = key.slice(prefix.length);
  if (contextNames.size < mostContextNames && key.length < 64) contextNames.set(key, name);
  return name;
}

function contextOf(message: JsonObject): JsonObject {
  const given = message['ctxt'];
  if (isObject(given)) return given;
  const context: { [key: string]: Json } = {};
  for (const key of Object.keys(message)) {
    if (key.charCodeAt(0) !== underscore || !key.startsWith(prefix)) continue;
    const name = contextName(key);
    if (name === '__proto__')
      Object.defineProperty(context, name, { value: message[key], enumerable: true, configurable: true, writable: true });
    else context[name] = message[key] as Json;
  }
  return context;
}
