import { Fault } from '../../model/faults.ts';
import type { Json } from '../../model/json.ts';
import { LiteralReader, type PyLiteral, PythonSyntaxError } from '../python/literal.ts';

/** As deep as a notification may nest. */
const mostDepth = 32;

/** Nothing is evaluated and no name is looked up; the keys of dictionaries become text. Throws a poison Fault `bad_literal` with the line. */
export function parsePythonLiteral(text: string): Json {
  const reader = new LiteralReader(text, { mostDepth });
  try {
    reader.skip(true);
    const value = toJson(reader, reader.value());
    reader.skip(true);
    if (!reader.atEnd) throw reader.error('expected the end');
    return value;
  } catch (thrown) {
    if (!(thrown instanceof PythonSyntaxError)) throw thrown;
    throw new Fault('poison', 'bad_literal', `line ${thrown.line}: ${thrown.message}`);
  }
}

/** The literal that stands there, and where it ends. Settings files are programs: what is computed in one is nobody's literal, and undefined. */
export function literalAt(text: string, at: number): { readonly literal: Json; readonly end: number } | undefined {
  const reader = new LiteralReader(text, { at, mostDepth });
  try {
    return { literal: toJson(reader, reader.value()), end: reader.at };
  } catch (thrown) {
    if (thrown instanceof PythonSyntaxError) return undefined;
    throw thrown;
  }
}

function toJson(reader: LiteralReader, value: PyLiteral): Json {
  if (Array.isArray(value)) return value.map((item: PyLiteral) => toJson(reader, item));
  if (!(value instanceof Map)) return value as Json;
  return Object.fromEntries([...value].map(([key, member]) => [keyText(reader, key), toJson(reader, member)]));
}

function keyText(reader: LiteralReader, key: PyLiteral): string {
  if (typeof key === 'string') return key;
  if (key === null) return 'None';
  if (typeof key === 'boolean') return key ? 'True' : 'False';
  if (typeof key === 'number' || typeof key === 'bigint') return String(key);
  throw reader.error('a key is neither text nor number');
}
