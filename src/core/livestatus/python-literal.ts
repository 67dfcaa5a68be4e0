/**
 * Configuration files that are Python: assignments of plain literals, read and never executed. Numbers, texts, True, False, None, lists,
 * tuples and dicts are understood; a call, a name, an operator or an expression is refused with its place.
 */
export type Literal = null | boolean | number | string | readonly Literal[] | LiteralMap;
export type LiteralMap = ReadonlyMap<Literal, Literal>;

export class PythonSyntaxError extends Error {
  override readonly name = 'PythonSyntaxError';
  readonly line: number;
  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

const maxDepth = 64;
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '0': '\0',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};

/**
 * What the names stand for in the end: `NAME = …` sets, `NAME.update({…})` adds keys, `NAME += […]` adds items. Throws a
 * `PythonSyntaxError` for anything else.
 */
export function readAssignments(text: string): ReadonlyMap<string, Literal> {
  const reader = new Reader(text);
  const names = new Map<string, Literal>();
  for (reader.skip(true); !reader.atEnd; reader.skip(true)) {
    const name = reader.word();
    if (name === null) throw reader.error('expected an assignment such as sites = {…}');
    reader.skip(false);
    if (reader.take('.update(')) {
      const added = reader.value(0);
      reader.skip(true);
      if (!reader.take(')')) throw reader.error('expected )');
      const before = names.get(name) ?? new Map();
      if (!(added instanceof Map) || !(before instanceof Map)) throw reader.error(`${name}.update takes a dict`);
      names.set(name, new Map([...before, ...added]));
    } else if (reader.take('+=')) {
      const before = names.get(name) ?? [];
      const added = reader.value(0);
      if (!Array.isArray(before) || !Array.isArray(added)) throw reader.error(`${name} += takes a list`);
      names.set(name, [...before, ...added]);
    } else if (reader.take('=')) names.set(name, reader.value(0));
    else throw reader.error(`${name}: expected =, += or .update(…); nothing else is executed`);
    reader.endOfStatement();
  }
  return names;
}

/** One literal and nothing else. */
export function readLiteral(text: string): Literal {
  const reader = new Reader(text);
  const value = reader.value(0);
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

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  error(message: string): PythonSyntaxError {
    return new PythonSyntaxError(message, this.#text.slice(0, this.#at).split('\n').length);
  }

  /** Blanks, comments and escaped line ends; line ends themselves inside brackets and between statements. */
  skip(lines: boolean): void {
    const pattern = lines ? /(?:[ \t\r\n\f;]|\\\r?\n|#[^\n]*)*/y : /(?:[ \t]|\\\r?\n)*/y;
    pattern.lastIndex = this.#at;
    this.#at += pattern.exec(this.#text)?.[0].length ?? 0;
  }

  take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  word(): string | null {
    return this.#match(/[A-Za-z_][A-Za-z0-9_]*/y);
  }

  endOfStatement(): void {
    this.skip(false);
    if (!this.atEnd && this.#match(/#[^\n]*|\r?\n|;/y) === null)
      throw this.error('expected the end of the line; nothing is executed');
  }

  value(depth: number): Literal {
    if (depth > maxDepth) throw this.error(`nested deeper than ${maxDepth}`);
    this.skip(depth > 0);
    const next = this.#text[this.#at] ?? '';
    if (this.take('{')) return this.#dict(depth);
    if (this.take('[')) return this.#items(']', depth).items;
    if (this.take('(')) {
      const { items, comma } = this.#items(')', depth);
      return items.length === 1 && !comma ? (items[0] as Literal) : items;
    }
    if (/["']/.test(next) || /^[uUrRbB]{1,2}["']/.test(this.#text.slice(this.#at, this.#at + 3))) return this.#strings(depth);
    const number = this.#match(/[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[lL]?/y);
    if (number !== null) return Number(number.replaceAll('_', '').replace(/[lL]$/, ''));
    const word = this.word();
    if (word === 'None') return null;
    if (word === 'True') return true;
    if (word === 'False') return false;
    throw this.error(word === null ? 'expected a value' : `${word} is a name, expected a plain value; nothing is executed`);
  }

  #dict(depth: number): LiteralMap {
    const members = new Map<Literal, Literal>();
    for (;;) {
      this.skip(true);
      if (this.take('}')) return members;
      const key = this.value(depth + 1);
      this.skip(true);
      if (!this.take(':')) throw this.error('expected : after the key');
      members.set(key, this.value(depth + 1));
      this.skip(true);
      if (!this.take(',') && this.#text[this.#at] !== '}') throw this.error('expected , or }');
    }
  }

  #items(close: string, depth: number): { readonly items: Literal[]; readonly comma: boolean } {
    const items: Literal[] = [];
    let comma = false;
    for (;;) {
      this.skip(true);
      if (this.take(close)) return { items, comma };
      items.push(this.value(depth + 1));
      this.skip(true);
      comma = this.take(',');
      if (!comma && this.#text[this.#at] !== close) throw this.error(`expected , or ${close}`);
    }
  }

  /** Texts beside each other are one. */
  #strings(depth: number): string {
    let text = '';
    for (;;) {
      const opening = this.#match(/[uUrRbB]{0,2}(?:'''|"""|'|")/y);
      if (opening === null) return text;
      const quote = opening.replace(/^[a-zA-Z]+/, '');
      text += this.#string(quote, /[rR]/.test(opening.slice(0, -quote.length)));
      this.skip(depth > 0);
    }
  }

  #string(quote: string, raw: boolean): string {
    let text = '';
    for (;;) {
      if (this.take(quote)) return text;
      const char = this.#text[this.#at];
      if (char === undefined || (char === '\n' && quote.length === 1)) throw this.error('the text does not end');
      this.#at += 1;
      text += char === '\\' ? this.#escaped(raw) : char;
    }
  }

  #escaped(raw: boolean): string {
    const code = this.#match(/x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U00[0-9a-fA-F]{6}/y);
    if (code !== null && !raw) {
      const point = Number.parseInt(code.slice(1), 16);
      if (point > 0x10ffff) throw this.error('no such character');
      return String.fromCodePoint(point);
    }
    if (code !== null) return `\\${code}`;
    const char = this.#text[this.#at] ?? '';
    this.#at += 1;
    return raw ? `\\${char}` : (escapes[char] ?? `\\${char}`);
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }
}
