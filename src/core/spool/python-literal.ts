import { Fault } from '../../model/faults.ts';
import { type Json, toFloat, toInt } from '../../model/json.ts';

/**
 * Reads a Python literal as `ast.literal_eval` does: texts, numbers, None, True, False, and tuples, lists, sets and dictionaries of
 * them. Nothing is evaluated and no name is looked up. Tuples and sets become lists, bytes become text, keys become text. Throws a
 * poison Fault `bad_literal` with the line.
 */
export function parsePythonLiteral(text: string): Json {
  const reader = new LiteralReader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

const mostDepth = 32;
const words: Readonly<Record<string, Json>> = { None: null, True: true, False: false };
const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v', '\n': '' };
const number = /[-+]?(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?)L?/y;
const quote = /([urbURB]{0,2})('''|"""|'|")/y;
const word = /[A-Za-z_]\w*/y;
const blank = /(?:\s|#[^\n]*|\\\n)*/y;

/** Also for the assignments of a settings file: it says where it stands. */
export class LiteralReader {
  readonly #text: string;
  at: number;

  constructor(text: string, at = 0) {
    this.#text = text;
    this.at = at;
  }

  value(depth: number): Json {
    if (depth > mostDepth) throw this.#bad(`values nest deeper than ${mostDepth}`);
    this.#match(blank);
    const next = this.#text[this.at];
    if (next === '{') return this.#braces(depth);
    if (next === '[') return this.#items('[', ']', depth).items;
    if (next === '(') {
      const { items, comma } = this.#items('(', ')', depth);
      return items.length === 1 && !comma ? (items[0] as Json) : items;
    }
    const texts = this.#texts();
    if (texts !== undefined) return texts;
    const digits = this.#match(number);
    if (digits !== undefined) return this.#number(digits);
    const name = this.#match(word);
    if (name !== undefined && Object.hasOwn(words, name)) return words[name] as Json;
    throw this.#bad(name === undefined ? 'expected a literal' : `${name} is a name, and names are not looked up`);
  }

  end(): void {
    this.#match(blank);
    if (this.at < this.#text.length) throw this.#bad('expected the end');
  }

  #braces(depth: number): Json {
    this.at += 1;
    const members: [string, Json][] = [];
    const items: Json[] = [];
    for (;;) {
      this.#match(blank);
      if (this.#take('}')) break;
      const first = this.value(depth + 1);
      this.#match(blank);
      if (this.#take(':')) members.push([this.#key(first), this.value(depth + 1)]);
      else items.push(first);
      this.#match(blank);
      if (!this.#take(',') && this.#text[this.at] !== '}') throw this.#bad('expected , or }');
    }
    if (members.length > 0 && items.length > 0) throw this.#bad('a dictionary and a set in one');
    return items.length > 0 ? items : Object.fromEntries(members);
  }

  #items(open: string, close: string, depth: number): { readonly items: Json[]; readonly comma: boolean } {
    this.at += open.length;
    const items: Json[] = [];
    let comma = false;
    for (;;) {
      this.#match(blank);
      if (this.#take(close)) return { items, comma };
      items.push(this.value(depth + 1));
      this.#match(blank);
      comma = this.#take(',');
      if (!comma && this.#text[this.at] !== close) throw this.#bad(`expected , or ${close}`);
    }
  }

  #key(value: Json): string {
    if (typeof value === 'string') return value;
    if (value === null) return 'None';
    if (typeof value === 'boolean') return value ? 'True' : 'False';
    if (typeof value === 'number' || typeof value === 'bigint') return String(value);
    throw this.#bad('a key is neither text nor number');
  }

  /** Texts that stand beside one another are one. */
  #texts(): string | undefined {
    let all: string | undefined;
    for (;;) {
      quote.lastIndex = this.at;
      const found = quote.exec(this.#text);
      if (found === null) return all;
      this.at = quote.lastIndex;
      all = (all ?? '') + this.#body(found[2] as string, /r/i.test(found[1] ?? ''));
      this.#match(blank);
    }
  }

  #body(close: string, raw: boolean): string {
    let body = '';
    for (let from = this.at; ; ) {
      const next = this.#text[this.at];
      if (next === undefined || (next === '\n' && close.length === 1)) throw this.#bad('a text without its end');
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
      if (!/[0-7]/.test(code)) return code === '\\' || code === "'" || code === '"' ? code : `\\${code}`;
      const octal = /^[0-7]{1,3}/.exec(this.#text.slice(this.at - 1, this.at + 2))?.[0] ?? '';
      this.at += octal.length - 1;
      return String.fromCodePoint(Number.parseInt(octal, 8));
    }
    const hex = this.#text.slice(this.at, this.at + digits);
    const point = /^[\da-fA-F]+$/.test(hex) && hex.length === digits ? Number.parseInt(hex, 16) : Number.NaN;
    if (!(point <= 0x10ffff)) throw this.#bad('an escape that is none');
    this.at += digits;
    return String.fromCodePoint(point);
  }

  #number(text: string): Json {
    const plain = text.replaceAll('_', '').replace(/L$/, '');
    if (/^[-+]?(?:\d+$|0[xXoObB])/.test(plain)) {
      const digits = plain.replace(/^[-+]/, '');
      if (digits.length > 4300) throw this.#bad('a number of too many digits');
      const value = BigInt(digits);
      return toInt(plain.startsWith('-') ? -value : value);
    }
    return toFloat(Number(plain));
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.at = pattern.lastIndex;
    return found[0];
  }

  #bad(message: string): Fault {
    const line = this.#text.slice(0, this.at).split('\n').length;
    return new Fault('poison', 'bad_literal', `line ${line}: ${message}`);
  }
}
