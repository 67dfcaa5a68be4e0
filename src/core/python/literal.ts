import { type Numeric, toFloat, toInt } from '../../model/json.ts';

/** What `ast.literal_eval` takes, `bytes` as text, tuples and sets as lists. */
export type PyLiteral = null | boolean | Numeric | string | readonly PyLiteral[] | PyDict;
export type PyDict = ReadonlyMap<PyLiteral, PyLiteral>;

export class PythonSyntaxError extends Error {
  override readonly name = 'PythonSyntaxError';
  readonly line: number;
  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

const mostDigits = 4300;
const words: Readonly<Record<string, null | boolean>> = { None: null, True: true, False: false };
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const number = /[-+]?(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?)[lL]?/y;
const quote = /([urbURB]{0,2})('''|"""|'|")/y;
const name = /[A-Za-z_]\w*/y;
const blank = /(?:[ \t]|\\\r?\n)*/y;
const blankLines = /(?:[\s;]|\\\r?\n|#[^\n]*)*/y;

/** Reads what is written in Python and never runs it. It says where it stands; what it does not understand throws a `PythonSyntaxError`. */
export class LiteralReader {
  readonly #text: string;
  readonly #mostDepth: number;
  at: number;

  constructor(text: string, { at = 0, mostDepth = 64 }: { readonly at?: number; readonly mostDepth?: number } = {}) {
    this.#text = text;
    this.#mostDepth = mostDepth;
    this.at = at;
  }

  get atEnd(): boolean {
    return this.at >= this.#text.length;
  }

  error(message: string): PythonSyntaxError {
    return new PythonSyntaxError(message, this.#text.slice(0, this.at).split('\n').length);
  }

  /** Blanks and escaped line ends; with `lines`, as inside brackets and between statements, line ends and comments too. */
  skip(lines: boolean): void {
    this.match(lines ? blankLines : blank);
  }

  take(token: string): boolean {
    if (!this.#text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  /** `pattern` is sticky. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.at = pattern.lastIndex;
    return found[0];
  }

  word(): string | undefined {
    return this.match(name);
  }

  value(depth = 0): PyLiteral {
    if (depth > this.#mostDepth) throw this.error(`nested deeper than ${this.#mostDepth}, and values may not nest deeper`);
    this.skip(depth > 0);
    if (this.take('{')) return this.#braces(depth);
    if (this.take('[')) return this.#items(']', depth).items;
    if (this.take('(')) {
      const { items, comma } = this.#items(')', depth);
      return items.length === 1 && !comma ? (items[0] as PyLiteral) : items;
    }
    const texts = this.#texts(depth);
    if (texts !== undefined) return texts;
    const digits = this.match(number);
    if (digits !== undefined) return this.#number(digits);
    const word = this.word();
    if (word !== undefined && Object.hasOwn(words, word)) return words[word] as null | boolean;
    if (word === undefined) throw this.error(depth === 0 ? 'expected a literal' : 'expected a value');
    throw this.error(`${word} is a name, and names are not looked up; nothing is executed`);
  }

  #braces(depth: number): PyLiteral {
    const members = new Map<PyLiteral, PyLiteral>();
    const items: PyLiteral[] = [];
    for (;;) {
      this.skip(true);
      if (this.take('}')) break;
      const first = this.value(depth + 1);
      this.skip(true);
      if (this.take(':')) members.set(first, this.value(depth + 1));
      else if (members.size > 0) throw this.error('expected : after the key');
      else items.push(first);
      if (members.size > 0 && items.length > 0) throw this.error('a dictionary and a set in one');
      this.skip(true);
      if (this.take(',') || this.#text[this.at] === '}') continue;
      throw this.error(members.size > 0 ? 'expected , or }' : 'expected : after the key, or , or }');
    }
    return items.length > 0 ? items : members;
  }

  #items(close: string, depth: number): { readonly items: PyLiteral[]; readonly comma: boolean } {
    const items: PyLiteral[] = [];
    let comma = false;
    for (;;) {
      this.skip(true);
      if (this.take(close)) return { items, comma };
      items.push(this.value(depth + 1));
      this.skip(true);
      comma = this.take(',');
      if (!comma && this.#text[this.at] !== close) throw this.error(`expected , or ${close}`);
    }
  }

  /** Texts that stand beside one another are one. */
  #texts(depth: number): string | undefined {
    let all: string | undefined;
    for (;;) {
      quote.lastIndex = this.at;
      const found = quote.exec(this.#text);
      if (found === null) return all;
      this.at = quote.lastIndex;
      all = (all ?? '') + this.#body(found[2] as string, /r/i.test(found[1] ?? ''));
      this.skip(depth > 0);
    }
  }

  #body(close: string, raw: boolean): string {
    let body = '';
    for (let from = this.at; ; ) {
      const next = this.#text[this.at];
      if (next === undefined || (next === '\n' && close.length === 1))
        throw this.error(`the text does not end: a ${close} without its end`);
      if (this.#text.startsWith(close, this.at)) {
        body += this.#text.slice(from, this.at);
        this.at += close.length;
        return body;
      }
      this.at += 1;
      if (next !== '\\') continue;
      body += this.#text.slice(from, this.at - 1) + (raw ? `\\${this.#text[this.at++] ?? ''}` : this.#escape());
      from = this.at;
    }
  }

  #escape(): string {
    const code = this.#text[this.at++] ?? '';
    const simple = escapes[code];
    if (simple !== undefined) return simple;
    const digits = code === 'x' ? 2 : code === 'u' ? 4 : code === 'U' ? 8 : 0;
    if (digits === 0) {
      if (!/[0-7]/.test(code)) return `\\${code}`;
      const octal = /^[0-7]{1,3}/.exec(this.#text.slice(this.at - 1, this.at + 2))?.[0] ?? '';
      this.at += octal.length - 1;
      return String.fromCodePoint(Number.parseInt(octal, 8));
    }
    const hex = this.#text.slice(this.at, this.at + digits);
    const point = /^[\da-fA-F]+$/.test(hex) && hex.length === digits ? Number.parseInt(hex, 16) : Number.NaN;
    if (!(point <= 0x10ffff)) throw this.error('an escape that is no character');
    this.at += digits;
    return String.fromCodePoint(point);
  }

  #number(text: string): Numeric {
    const plain = text.replaceAll('_', '').replace(/[lL]$/, '');
    if (!/^[-+]?(?:\d+$|0[xXoObB])/.test(plain)) return toFloat(Number(plain));
    const digits = plain.replace(/^[-+]/, '');
    if (digits.length > mostDigits) throw this.error('a number of too many digits');
    const value = BigInt(digits);
    return toInt(plain.startsWith('-') ? -value : value);
  }
}
