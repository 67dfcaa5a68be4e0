import { Fault } from '../model/faults.ts';

const urlPassword = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@?#]*:)[^\s/?#]+(?=@)/gi;

/** Passwords in URLs become `***`, wherever the text came from: client libraries put them into their messages. */
export function redact(text: string): string {
  return text.includes('://') ? text.replace(urlPassword, '$1***') : text;
}

/** Facts as they may be logged: texts redacted, errors as code and message with their causes, nothing deeper. */
export function redactFacts(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, readable(value)]));
}

function readable(value: unknown): unknown {
  if (typeof value === 'string') return redact(value);
  if (value instanceof Error) return readableError(value, 3);
  return value;
}

function readableError(error: Error, depth: number): Record<string, unknown> {
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(error instanceof Fault ? { class: error.class } : {}),
    ...(code === undefined ? {} : { code }),
    message: redact(error.message),
    // The stack is for our bugs only; an unreachable target has none that helps.
    ...(error instanceof Fault && error.class !== 'fatal' ? {} : { stack: redact(error.stack ?? '') }),
    ...(error.cause instanceof Error && depth > 0 ? { cause: readableError(error.cause, depth - 1) } : {}),
  };
}
