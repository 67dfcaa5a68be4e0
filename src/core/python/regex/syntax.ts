import { PythonError } from '../python-error.ts';
import { type CharacterTest, characterClass, ignoringCase, inSet, type SetMember } from './characters.ts';

// Python's `re` syntax as a tree. What Python refuses is refused with `re.error`; `(?(1)…)`, `(?L)` and `\N{…}` are refused too.

export type Node =
  | { readonly kind: 'character'; readonly test: CharacterTest }
  | { readonly kind: 'literal'; readonly code: number }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly branches: readonly Node[] }
  | { readonly kind: 'repeat'; readonly item: Node; readonly least: number; readonly most: number; readonly style: RepeatStyle }
  | { readonly kind: 'group'; readonly item: Node; readonly number: number }
  | { readonly kind: 'atomic'; readonly item: Node }
  | { readonly kind: 'look'; readonly item: Node; readonly negated: boolean; readonly behind: number | undefined }
  | { readonly kind: 'reference'; readonly group: number; readonly ignoreCase: boolean }
  | { readonly kind: 'at'; readonly place: Place };
export type RepeatStyle = 'greedy' | 'lazy' | 'possessive';
export type Place = 'start' | 'end' | 'line start' | 'line end' | 'last line end' | 'word edge' | 'no word edge';

export interface Syntax {
  readonly tree: Node;
  readonly groups: number;
  readonly names: ReadonlyMap<string, number>;
}

interface Flags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly verbose: boolean;
  readonly ascii: boolean;
}

const deepest = 100;
const noFlags: Flags = { ignoreCase: false, multiline: false, dotAll: false, verbose: false, ascii: false };
const flagNames: { readonly [letter: string]: keyof Flags | undefined } = {
  i: 'ignoreCase',
  m: 'multiline',
  s: 'dotAll',
  x: 'verbose',
  a: 'ascii',
};

export function parseRegex(pattern: string): Syntax {
  return new Parser([...pattern]).parse();
}

class Parser {
  readonly source: readonly string[];
  at = 0;
  groups = 0;
  readonly names = new Map<string, number>();
  readonly closed = new Set<number>();

  constructor(source: readonly string[]) {
    this.source = source;
  }

  parse(): Syntax {
    const flags = this.globalFlags();
    const tree = this.choice(flags, 0);
    if (this.at < this.source.length) throw this.error('unbalanced parenthesis');
    return { tree, groups: this.groups, names: this.names };
  }

  error(message: string): PythonError {
    return new PythonError('re.error', `${message} at position ${this.at}`);
  }

  take(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.source[this.at + i] !== text[i]) return false;
    this.at += text.length;
    return true;
  }

  next(): string {
    const character = this.source[this.at++];
    if (character === undefined) throw this.error('unexpected end of pattern');
    return character;
  }

  until(end: string): string {
    const stop = this.source.indexOf(end, this.at);
    if (stop < 0) throw this.error(`missing ${end}`);
    const text = this.source.slice(this.at, stop).join('');
    this.at = stop + 1;
    return text;
  }

  /** Global flags are allowed at the start only (an error elsewhere since Python 3.11). */
  globalFlags(): Flags {
    let flags = noFlags;
    for (;;) {
      const found = /^\(\?([aimsux]+)\)/.exec(this.source.slice(this.at, this.at + 12).join(''));
      if (found === null) return flags;
      flags = this.withFlags(flags, found[1] as string, true);
      this.at += found[0].length;
    }
  }

  withFlags(flags: Flags, letters: string, on: boolean): Flags {
    const changed: { -readonly [name in keyof Flags]?: boolean } = {};
    for (const letter of letters) {
      const name = flagNames[letter];
      if (name !== undefined) changed[name] = on;
      else if (letter !== 'u' || !on) throw this.error('unknown flag');
    }
    return { ...flags, ...changed };
  }

  choice(flags: Flags, depth: number): Node {
    if (depth > deepest) throw this.error('nested too deeply');
    const branches = [this.sequence(flags, depth)];
    while (this.take('|')) branches.push(this.sequence(flags, depth));
    return branches.length === 1 ? (branches[0] as Node) : { kind: 'choice', branches };
  }

  sequence(flags: Flags, depth: number): Node {
    const items: Node[] = [];
    for (;;) {
      if (flags.verbose) this.skipVerbose();
      const character = this.source[this.at];
      if (character === undefined || character === '|' || character === ')') return { kind: 'sequence', items };
      const range = this.repeatRange();
      if (range === undefined) {
        const item = this.item(flags, depth);
        if (item !== undefined) items.push(item);
        continue;
      }
      const item = items.pop();
      if (item === undefined || item.kind === 'at') throw this.error('nothing to repeat');
      if (item.kind === 'repeat') throw this.error('multiple repeat');
      const style: RepeatStyle = this.take('?') ? 'lazy' : this.take('+') ? 'possessive' : 'greedy';
      items.push({ kind: 'repeat', item, least: range[0], most: range[1], style });
    }
  }

  skipVerbose(): void {
    for (;;) {
      const character = this.source[this.at];
      if (character === '#') while (this.at < this.source.length && this.source[this.at] !== '\n') this.at++;
      else if (character === undefined || !/[ \t\n\r\v\f]/.test(character)) return;
      else this.at++;
    }
  }

  repeatRange(): [least: number, most: number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.take('?')) return [0, 1];
    if (this.source[this.at] !== '{') return undefined;
    const found = /^\{(\d*)(?:(,)(\d*))?\}/.exec(this.source.slice(this.at, this.at + 30).join(''));
    if (found === null || found[0] === '{}') return undefined;
    this.at += found[0].length;
    const [, least, comma, most] = found;
    const low = Number(least || 0);
    const high = comma === undefined ? low : most === '' ? Number.POSITIVE_INFINITY : Number(most);
    if (high < low) throw this.error('min repeat greater than max repeat');
    return [low, high];
  }

  item(flags: Flags, depth: number): Node | undefined {
    const character = this.next();
    switch (character) {
      case '.':
        return { kind: 'character', test: flags.dotAll ? () => true : (code) => code !== 0x0a };
      case '^':
        return { kind: 'at', place: flags.multiline ? 'line start' : 'start' };
      case '$':
        return { kind: 'at', place: flags.multiline ? 'line end' : 'last line end' };
      case '(':
        return this.group(flags, depth);
      case '[':
        return { kind: 'character', test: this.set(flags) };
      case '\\':
        return this.escape(flags);
      default:
        return literal(character.codePointAt(0) ?? 0, flags);
    }
  }

  group(flags: Flags, depth: number): Node | undefined {
    if (!this.take('?')) return this.capture(flags, depth);
    if (this.take('#')) {
      this.until(')');
      return undefined;
    }
    if (this.take(':')) return this.close(this.choice(flags, depth + 1));
    if (this.take('>')) return { kind: 'atomic', item: this.close(this.choice(flags, depth + 1)) };
    if (this.take('P<')) return this.capture(flags, depth, this.until('>'));
    if (this.take('P=')) return this.reference(this.until(')'), flags);
    for (const [mark, negated, behind] of looks) {
      if (!this.take(mark)) continue;
      const item = this.close(this.choice(flags, depth + 1));
      return { kind: 'look', item, negated, behind: behind ? this.width(item) : undefined };
    }
    const scoped = /^([aimsux]*)(?:-([imsx]+))?:/.exec(this.source.slice(this.at, this.at + 16).join(''));
    if (scoped === null) throw this.error('unknown extension');
    this.at += scoped[0].length;
    const inner = this.withFlags(this.withFlags(flags, scoped[1] ?? '', true), scoped[2] ?? '', false);
    return this.close(this.choice(inner, depth + 1));
  }

  capture(flags: Flags, depth: number, name?: string): Node {
    const number = ++this.groups;
    if (name !== undefined) {
      if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) throw this.error('bad group name');
      if (this.names.has(name)) throw this.error('redefinition of a group name');
      this.names.set(name, number);
    }
    const item = this.close(this.choice(flags, depth + 1));
    this.closed.add(number);
    return { kind: 'group', item, number };
  }

  close(node: Node): Node {
    if (!this.take(')')) throw this.error('missing ), unterminated subpattern');
    return node;
  }

  reference(name: string, flags: Flags): Node {
    const group = this.names.get(name) ?? Number.NaN;
    if (!this.closed.has(group)) throw this.error('unknown or open group');
    return { kind: 'reference', group, ignoreCase: flags.ignoreCase };
  }

  width(node: Node): number {
    const width = widthOf(node);
    if (width === undefined) throw this.error('look-behind requires fixed-width pattern');
    return width;
  }

  escape(flags: Flags): Node {
    const character = this.next();
    const place = places[character];
    if (place !== undefined) return { kind: 'at', place };
    const test = characterClass(character, flags.ascii);
    if (test !== undefined) return { kind: 'character', test };
    if (/[1-9]/.test(character)) {
      const octal = /^[0-7]{3}$/.test(this.source.slice(this.at - 1, this.at + 2).join(''));
      if (!octal) {
        const second = /\d/.test(this.source[this.at] ?? '') ? this.next() : '';
        const group = Number(character + second);
        if (!this.closed.has(group)) throw this.error('invalid group reference');
        return { kind: 'reference', group, ignoreCase: flags.ignoreCase };
      }
    }
    return literal(this.escapedCode(character), flags);
  }

  escapedCode(character: string): number {
    const simple = simpleEscapes[character];
    if (simple !== undefined) return simple;
    const digits = hexDigits[character];
    if (digits !== undefined) {
      const hex = this.source.slice(this.at, this.at + digits).join('');
      if (hex.length < digits || !/^[0-9a-fA-F]+$/.test(hex)) throw this.error('incomplete escape');
      this.at += digits;
      return Number.parseInt(hex, 16);
    }
    if (/[0-7]/.test(character)) {
      const rest = /^[0-7]{0,2}/.exec(this.source.slice(this.at, this.at + 2).join(''))?.[0] ?? '';
      this.at += rest.length;
      const code = Number.parseInt(character + rest, 8);
      if (code > 0o377) throw this.error('octal escape out of range');
      return code;
    }
    if (/[a-zA-Z0-9]/.test(character)) throw this.error(`bad escape \\${character}`);
    return character.codePointAt(0) ?? 0;
  }

  set(flags: Flags): CharacterTest {
    const negated = this.take('^');
    const members: SetMember[] = [];
    for (let first = true; first || !this.take(']'); first = false) {
      const from = this.setMember(flags);
      const dash = this.source[this.at] === '-' && this.source[this.at + 1] !== ']';
      if (!dash) {
        members.push(typeof from === 'number' ? [from, from] : from);
        continue;
      }
      this.at++;
      const to = this.setMember(flags);
      if (typeof from !== 'number' || typeof to !== 'number' || to < from) throw this.error('bad character range');
      members.push([from, to]);
    }
    const test = inSet(members, negated);
    return flags.ignoreCase ? ignoringCase(test, negated) : test;
  }

  setMember(flags: Flags): number | CharacterTest {
    if (this.at >= this.source.length) throw this.error('unterminated character set');
    const character = this.next();
    if (character !== '\\') return character.codePointAt(0) ?? 0;
    const escaped = this.next();
    if (escaped === 'b') return 0x08;
    return characterClass(escaped, flags.ascii) ?? this.escapedCode(escaped);
  }
}

const looks = [
  ['=', false, false],
  ['!', true, false],
  ['<=', false, true],
  ['<!', true, true],
] as const;
const places: { readonly [character: string]: Place | undefined } = {
  A: 'start',
  Z: 'end',
  b: 'word edge',
  B: 'no word edge',
};
const simpleEscapes: { readonly [character: string]: number | undefined } = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const hexDigits: { readonly [character: string]: number | undefined } = { x: 2, u: 4, U: 8 };

function literal(code: number, flags: Flags): Node {
  if (!flags.ignoreCase) return { kind: 'literal', code };
  return { kind: 'character', test: ignoringCase((candidate) => candidate === code, false) };
}

/** Whether it can match without taking a character. */
export function canBeEmpty(node: Node): boolean {
  switch (node.kind) {
    case 'character':
    case 'literal':
      return false;
    case 'at':
    case 'look':
    case 'reference':
      return true;
    case 'group':
    case 'atomic':
      return canBeEmpty(node.item);
    case 'repeat':
      return node.least === 0 || canBeEmpty(node.item);
    case 'choice':
      return node.branches.some(canBeEmpty);
    case 'sequence':
      return node.items.every(canBeEmpty);
  }
}

/** The one length all matches have, or undefined. */
function widthOf(node: Node): number | undefined {
  switch (node.kind) {
    case 'character':
    case 'literal':
      return 1;
    case 'at':
    case 'look':
      return 0;
    case 'reference':
      return undefined;
    case 'group':
    case 'atomic':
      return widthOf(node.item);
    case 'repeat': {
      const width = widthOf(node.item);
      if (width === 0) return 0;
      return node.least === node.most && width !== undefined ? width * node.least : undefined;
    }
    case 'choice': {
      const widths = new Set(node.branches.map(widthOf));
      return widths.size === 1 ? [...widths][0] : undefined;
    }
    case 'sequence': {
      let sum = 0;
      for (const item of node.items) {
        const width = widthOf(item);
        if (width === undefined) return undefined;
        sum += width;
      }
      return sum;
    }
  }
}
