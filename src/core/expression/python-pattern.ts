/** A Python regular expression as one of JavaScript's, matching what Python's `re` matches. */
export interface TranslatedPattern {
  readonly regex: RegExp;
  readonly groups: number;
  readonly names: ReadonlyMap<string, number>;
}

const maxPattern = 1_024;

/** Null where Python raises `re.error`, and for the few things JavaScript cannot do (conditional groups). */
export function translatePattern(pattern: string): TranslatedPattern | null {
  if (pattern.length > maxPattern) return null;
  const reader = new Reader(pattern);
  try {
    const source = reader.read();
    return { regex: new RegExp(source, `gu${reader.flags}`), groups: reader.groups, names: reader.names };
  } catch {
    return null; // what either engine refuses is no pattern: the caller says so where it was written
  }
}

const classes: Readonly<Record<string, string>> = { d: '\\p{Nd}', w: '\\p{L}\\p{N}_', s: '\\s\\x1c-\\x1f\\x85' };

class Reader {
  readonly #text: string;
  readonly names = new Map<string, number>();
  groups = 0;
  flags = '';
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): string {
    const flags = /^\(\?([aimsux]+)\)/.exec(this.#text);
    if (flags !== null) {
      if (/[ax]/.test(flags[1] as string)) throw new SyntaxError('unsupported flag');
      this.flags = [...new Set((flags[1] as string).replace('u', ''))].join('');
      this.#at = flags[0].length;
    }
    let source = '';
    while (this.#at < this.#text.length) source += this.#next();
    return source;
  }

  #next(): string {
    const char = this.#text[this.#at] as string;
    if (char === '\\') return this.#escape(false);
    if (char === '[') return this.#set();
    if (char === '(') return this.#open();
    this.#at += 1;
    if (char === '$') return this.flags.includes('m') ? '(?=\\n|(?![\\s\\S]))' : '(?=\\n?(?![\\s\\S]))';
    if (char === '.') return this.flags.includes('s') ? '[\\s\\S]' : '[^\\n]';
    if (char === '{') return this.#braces();
    return char === '}' || char === ']' || char === '/' ? `\\${char}` : char;
  }

  /** `{2}`, `{2,}`, `{,3}` repeat; any other brace is itself. */
  #braces(): string {
    const found = /^(\d*)(,?)(\d*)\}/.exec(this.#text.slice(this.#at));
    if (found === null || (found[1] === '' && found[3] === '' && found[2] === '')) return '\\{';
    this.#at += found[0].length;
    return `{${found[1] === '' ? '0' : found[1]}${found[2]}${found[3]}}`;
  }

  #open(): string {
    const rest = this.#text.slice(this.#at);
    const special = /^\(\?(?:P<([A-Za-z_]\w*)>|P=([A-Za-z_]\w*)\)|#[^)]*\)|(<?[=!]|:))/.exec(rest);
    if (special === null) {
      if (rest.startsWith('(?')) throw new SyntaxError('unsupported group');
      this.#at += 1;
      this.groups += 1;
      return '(';
    }
    this.#at += special[0].length;
    const [whole, name, reference] = special;
    if (name !== undefined) {
      this.groups += 1;
      this.names.set(name, this.groups);
      return `(?<${name}>`;
    }
    if (reference !== undefined) return `(?:\\${this.#groupNamed(reference)})`;
    return whole.startsWith('(?#') ? '' : whole;
  }

  #groupNamed(name: string): number {
    const group = this.names.get(name);
    if (group === undefined) throw new SyntaxError('unknown group name');
    return group;
  }

  #escape(inSet: boolean): string {
    const rest = this.#text.slice(this.#at + 1);
    const code = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(0[0-7]{0,2}|[0-3][0-7]{2}))/.exec(rest);
    if (code !== null) {
      this.#at += 1 + code[0].length;
      const hex = code[1] ?? code[2] ?? code[3];
      return `\\u{${(hex === undefined ? Number.parseInt(code[4] as string, 8) : Number.parseInt(hex, 16)).toString(16)}}`;
    }
    const back = inSet ? null : /^[1-9]\d?/.exec(rest);
    if (back !== null) {
      this.#at += 1 + back[0].length;
      if (Number(back[0]) > this.groups) throw new SyntaxError('invalid group reference');
      return `(?:\\${back[0]})`;
    }
    const char = rest[0];
    if (char === undefined) throw new SyntaxError('bad escape at the end');
    this.#at += 2;
    return escaped(char, inSet);
  }

  #set(): string {
    let source = '[';
    this.#at += 1;
    if (this.#text[this.#at] === '^') {
      source += '^';
      this.#at += 1;
    }
    for (let first = true; ; first = false) {
      const char = this.#text[this.#at];
      if (char === undefined) throw new SyntaxError('unterminated set');
      if (char === ']' && !first) {
        this.#at += 1;
        return `${source}]`;
      }
      if (char === '\\') source += this.#escape(true);
      else {
        source += '[]{}()/|^$.*+?&~!#%,:;<=>@`'.includes(char) && !'&~!#%,:;<=>@`'.includes(char) ? `\\${char}` : char;
        this.#at += 1;
      }
    }
  }
}

function escaped(char: string, inSet: boolean): string {
  const lower = char.toLowerCase();
  const members = classes[lower];
  if (members !== undefined) {
    if (char === lower) return inSet ? members : `[${members}]`;
    if (inSet) return `\\${lower === 'd' ? 'P{Nd}' : char}`;
    return `[^${members}]`;
  }
  if (char === 'b' && inSet) return '\\x08';
  if (char === 'b' || char === 'B') {
    const word = `[${classes['w']}]`;
    const edge = `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`;
    return char === 'b' ? edge : `(?!${edge})`;
  }
  if (!inSet && char === 'A') return '(?<![\\s\\S])';
  if (!inSet && char === 'Z') return '(?![\\s\\S])';
  if ('nrtfv'.includes(char)) return `\\${char}`;
  if (char === 'a') return '\\x07';
  if (/[a-zA-Z0-9]/.test(char)) throw new SyntaxError(`bad escape \\${char}`);
  return '^$\\.*+?()[]{}|/'.includes(char) || (inSet && char === '-') ? `\\${char}` : char;
}
