import { Fault } from '../../model/faults.ts';
import { isObject, type JsonObject } from '../../model/json.ts';
import { parsePythonLiteral } from './python-literal.ts';

/** A file of Checkmk's `notify/spool`, one notification each. */
export interface SpoolFile {
  /** It is to be sent; else it is for this site. */
  readonly forward: boolean;
  readonly eventType: 'checkmk.notification' | 'checkmk.notification_result';
  readonly payload: JsonObject;
}

/**
 * | what the file holds | what it is |
 * |---|---|
 * | `{"forward": True, "context": {…}}` | to be sent |
 * | `{"plugin": name, "context": {…}}`, `{"context": {…}}` | for this site |
 * | `{"plugin", "status", "output", "context", …}` | the result of one, with `forward` to be sent |
 *
 * Throws a poison Fault `bad_literal` for what is no literal, `foreign_file` for one of something else.
 */
export function readSpoolFile(text: string): SpoolFile {
  const value = parsePythonLiteral(text);
  const context = isObject(value) ? value['context'] : undefined;
  if (!isObject(value) || !isObject(context ?? null))
    throw new Fault('poison', 'foreign_file', 'no notification: it has no context');
  const { forward, ...payload } = value;
  const eventType = Object.hasOwn(value, 'status') ? 'checkmk.notification_result' : 'checkmk.notification';
  return { forward: forward === true, eventType, payload };
}
