import { LiteralReader, type PyLiteral } from '../python/literal.ts';

/**
 * Configuration files that are Python: assignments of plain literals, read and never executed. Numbers, texts, True, False, None, lists,
 * tuples and dicts are understood; a call, a name, an operator or an expression is refused with its place.
 */
export type Literal = null | boolean | number | string | readonly Literal[] | LiteralMap;
export type LiteralMap = ReadonlyMap<Literal, Literal>;

/**
 * What the names stand for in the end: `NAME = …` sets, `NAME.update({…})` adds keys, `NAME += […]` adds items. Throws a
 * `PythonSyntaxError` for anything else.
 */
export function readAssignments(text: string): ReadonlyMap<string, Literal> {
  const reader = new LiteralReader(text);
  const names = new Map<string, Literal>();
  for (reader.skip(true); !reader.atEnd; reader.skip(true)) {
    const name = reader.word();
    if (name === undefined) throw reader.error('expected an assignment such as sites = {…}');
    reader.skip(false);
    if (reader.take('.update(')) {
      const added = readValue(reader);
      reader.skip(true);
      if (!reader.take(')')) throw reader.error('expected )');
      const before = names.get(name) ?? new Map();
      if (!(added instanceof Map) || !(before instanceof Map)) throw reader.error(`${name}.update takes a dict`);
      names.set(name, new Map([...before, ...added]));
    } else if (reader.take('+=')) {
      const before = names.get(name) ?? [];
      const added = readValue(reader);
      if (!Array.isArray(before) || !Array.isArray(added)) throw reader.error(`${name} += takes a list`);
      names.set(name, [...before, ...added]);
    } else if (reader.take('=')) names.set(name, readValue(reader));
    else throw reader.error(`${name}: expected =, += or .update(…); nothing else is executed`);
    reader.skip(false);
    if (!reader.atEnd && reader.match(endOfStatement) === undefined)
      throw reader.error('expected the end of the line; nothing is executed');
  }
  return names;
}

const endOfStatement = /#[^\n]*|\r?\n|;/y;

function readValue(reader: LiteralReader): Literal {
  return plain(reader.value());
}

/** Numbers of a site's configuration are ports and seconds. */
function plain(value: PyLiteral): Literal {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return new Map([...value].map(([key, member]) => [plain(key), plain(member)] as const));
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  return Number(value);
}

/** One literal and nothing else. */
export function readLiteral(text: string): Literal {
  const reader = new LiteralReader(text);
  const value = readValue(reader);
  reader.skip(true);
  if (!reader.atEnd) throw reader.error('expected the end');
  return value;
}

/** As Python prints it, dicts one key a line. */
export function printLiteral(value: Literal, indent = ''): string {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quoted(value);
  const inner = `${indent}  `;
  if (value instanceof Map) {
    if (value.size === 0) return '{}';
    const rows = [...value].map(([key, member]) => `${inner}${printLiteral(key, inner)}: ${printLiteral(member, inner)},\n`);
    return `{\n${rows.join('')}${indent}}`;
  }
  return `[${(value as readonly Literal[]).map((item) => printLiteral(item, inner)).join(', ')}]`;
}

function quoted(text: string): string {
  const body = text.replaceAll(/[\\'\n\r\t]|[^\x20-\x7e]/gu, (found) => {
    if (found === '\\' || found === "'") return `\\${found}`;
    const code = found.codePointAt(0) as number;
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return `'${body}'`;
}
