import { type Numeric, toFloat, toInt } from '../../model/json.ts';
import { ExpressionSyntaxFault } from './failure.ts';

export type Token =
  | { readonly kind: 'number'; readonly value: Numeric; readonly column: number }
  | { readonly kind: 'string'; readonly value: string; readonly column: number }
  | { readonly kind: 'name' | 'operator' | 'end'; readonly text: string; readonly column: number };

const maxExpressionLength = 4_096;
const maxTokens = 1_024;

const number =
  /(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?)/y;
const name = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy;
const operator = /\*\*|\/\/|<<|>>|<=|>=|==|!=|[-+*/%@<>()[\].,:~&|^]/y;
const blank = /(?:[ \t\f]|\\\r?\n)+|#[^\n]*/y;

/** Python's tokens, as far as expressions have them. Throws an ExpressionSyntaxFault. */
export function tokenize(text: string): Token[] {
  if (text.length > maxExpressionLength)
    throw new ExpressionSyntaxFault(`an expression has at most ${maxExpressionLength} characters`, 1);
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  let nesting = 0;
  let at = 0;
  while (at < end) {
    const space = match(blank, text, at);
    if (space !== undefined || (nesting > 0 && /[\r\n]/.test(text[at] as string))) {
      at += space?.length ?? 1;
      continue;
    }
    const token = readToken(text, at);
    if (token.text === '(' || token.text === '[') nesting += 1;
    if (token.text === ')' || token.text === ']') nesting -= 1;
    tokens.push(token.token);
    at = token.next;
    if (tokens.length > maxTokens) throw new ExpressionSyntaxFault(`an expression has at most ${maxTokens} parts`, at + 1);
  }
  tokens.push({ kind: 'end', text: 'the end', column: at + 1 });
  return tokens;
}

function readToken(text: string, at: number): { readonly token: Token; readonly next: number; readonly text: string } {
  const column = at + 1;
  const digits = /[0-9.]/.test(text[at] as string) ? match(number, text, at) : undefined;
  if (digits !== undefined)
    return { token: { kind: 'number', value: numberValue(digits, column), column }, next: at + digits.length, text: '' };
  const quoted = /^(?:[rRuU]?)('''|"""|'|")/.exec(text.slice(at, at + 4));
  if (quoted !== null) {
    const { value, next } = readString(text, at, quoted[0], quoted[1] as string);
    return { token: { kind: 'string', value, column }, next, text: '' };
  }
  const word = match(name, text, at);
  if (word !== undefined) return { token: { kind: 'name', text: word, column }, next: at + word.length, text: word };
  const sign = match(operator, text, at);
  if (sign !== undefined) return { token: { kind: 'operator', text: sign, column }, next: at + sign.length, text: sign };
  throw new ExpressionSyntaxFault(`unexpected ${JSON.stringify(text[at])}`, column);
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function numberValue(digits: string, column: number): Numeric {
  const bare = digits.replaceAll('_', '');
  if (/^0[xXoObB]/.test(bare)) return toInt(BigInt(bare.toLowerCase()));
  if (/[.eE]/.test(bare)) return toFloat(Number(bare));
  if (/^0\d*[1-9]/.test(bare)) throw new ExpressionSyntaxFault('a number cannot begin with 0', column);
  return toInt(BigInt(bare));
}

const simpleEscapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};

function readString(
  text: string,
  start: number,
  opening: string,
  quote: string,
): { readonly value: string; readonly next: number } {
  const raw = /^r/i.test(opening);
  let value = '';
  let at = start + opening.length;
  while (!text.startsWith(quote, at)) {
    const char = text[at];
    if (char === undefined || (char === '\n' && quote.length === 1))
      throw new ExpressionSyntaxFault('a text without its closing quote', start + 1);
    if (char !== '\\') {
      value += char;
      at += 1;
      continue;
    }
    const code = raw ? null : /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([0-7]{1,3}))/.exec(text.slice(at, at + 6));
    const next = text[at + 1] ?? '';
    if (code !== null)
      value += String.fromCharCode(
        code[3] === undefined ? Number.parseInt((code[1] ?? code[2]) as string, 16) : Number.parseInt(code[3], 8),
      );
    else if (!raw && Object.hasOwn(simpleEscapes, next)) value += simpleEscapes[next];
    else value += `\\${next}`;
    at += code?.[0].length ?? 2;
  }
  return { value, next: at + quote.length };
}
