import { Fault } from '../../../model/faults.ts';
import { toFloat } from '../../../model/json.ts';
import { pyInt } from '../../python/number.ts';
import { quoted } from '../definition-error.ts';

export interface Token {
  readonly type: string;
  readonly value: unknown;
  readonly at: number;
}

// The order is that of PLY's master expression: a name beginning with `true` or `false` is a BOOL and a rest, and `/`, even in
// arithmetic, is a sort direction.
const master =
  /(true|false)|(,?\s*[/\\])|(@?[a-zA-Z_][a-zA-Z0-9_@-]*)|(-?\d+\.\d+)|(-?\d+)|(['"`])|(\n)|(==?|<=|>=|!=|<|>|~)|(\.\.)/y;
const literals = '*.[]()$,:|&?@+/-';

/** Splits a path lazily; throws a Fault where the dialect's lexer fails (`%`, `#`, an open quote). */
export function* tokenize(text: string): Generator<Token> {
  for (let at = 0; at < text.length; ) {
    if (text[at] === ' ' || text[at] === '\t') {
      at++;
      continue;
    }
    master.lastIndex = at;
    const match = master.exec(text);
    if (match === null) {
      const character = text[at] as string;
      if (!literals.includes(character)) throw badPath(text, at, `unexpected character ${JSON.stringify(character)}`);
      yield { type: character, value: character, at: at++ };
      continue;
    }
    const [found, bool, sort, name, float, int, quote, newline, filter] = match;
    const start = at;
    at += found.length;
    if (bool !== undefined) yield { type: 'BOOL', value: bool === 'true', at: start };
    else if (sort !== undefined) yield { type: 'SORT_DIRECTION', value: sort.at(-1), at: start };
    else if (name !== undefined) yield { type: name === 'where' ? 'WHERE' : 'ID', value: name, at: start };
    else if (float !== undefined) yield { type: 'FLOAT', value: toFloat(Number(float)), at: start };
    else if (int !== undefined) yield { type: 'NUMBER', value: pyInt(int), at: start };
    else if (quote !== undefined) {
      const [value, end] = readQuoted(text, at, quote);
      at = end;
      yield { type: quote === '`' ? 'NAMED_OPERATOR' : 'ID', value, at: start };
    } else if (newline === undefined) yield { type: filter === undefined ? 'DOUBLEDOT' : 'FILTER_OP', value: found, at: start };
  }
}

function readQuoted(text: string, start: number, quote: string): [value: string, end: number] {
  let value = '';
  for (let at = start; at < text.length; at++) {
    const character = text[at] as string;
    if (character === quote) return [value, at + 1];
    if (character === '\\') {
      const next = text.codePointAt(at + 1);
      if (next === undefined || next === 0x0a) break;
      const escaped = String.fromCodePoint(next);
      value += escaped;
      at += escaped.length;
    } else value += character;
  }
  throw badPath(text, start - 1, 'the quote is never closed');
}

export function badPath(text: string, at: number, reason: string): Fault {
  return new Fault('fatal', 'bad_path', `${quoted(text)}, character ${at + 1}: ${reason}`);
}
