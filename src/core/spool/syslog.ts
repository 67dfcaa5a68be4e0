import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { parseJson, printJson } from '../../model/json-text.ts';

const appName = 'ceilograph';
const shape = /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) (?:-|\[.*?(?<!\\)\])(?: \uFEFF?([\s\S]*))?$/;

/** A notification as an RFC 5424 message: its uuid is the MSGID, so that it is known again, the notification its text. */
export function toSyslog(uuid: string, site: string, atMs: number, context: Json): string {
  const word = (text: string, most: number) => text.replace(/[^\x21-\x7e]/g, '_').slice(0, most) || '-';
  const time = new Date(Math.abs(atMs) <= 8.64e15 ? atMs : 0).toISOString();
  return `<134>1 ${time} ${word(site, 255)} ${appName} - ${word(uuid, 200)} - ${printJson(context)}`;
}

/** What a syslog message says: one of ours is the notification that it holds, another one its fields. */
export function readSyslog(text: string): { readonly uuid: string | undefined; readonly record: JsonObject } {
  const found = shape.exec(text);
  if (found === null) return { uuid: undefined, record: { message: text } };
  const [, priority = '', timestamp = '', host = '', app = '', process = '', id = '', message = ''] = found;
  const context = app === appName && id !== '-' ? contextOf(message) : undefined;
  if (context !== undefined) return { uuid: id, record: { uuid: id, site: host, context } };
  return { uuid: undefined, record: { priority: Number(priority), timestamp, host, app, process, id, message } };
}

function contextOf(text: string): JsonObject | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value = parseJson(text, { maxDepth: 100, maxString: Number.POSITIVE_INFINITY });
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // a stranger's text that only looks like ours: it is taken as that
  }
}
