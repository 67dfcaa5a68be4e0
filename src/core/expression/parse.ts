import { ExpressionSyntaxFault } from './failure.ts';
import { type Token, tokenize } from './tokens.ts';
import type { Value } from './value.ts';

export type Node =
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list'; readonly elements: readonly Node[] }
  | { readonly kind: 'attribute'; readonly of: Node; readonly name: string }
  | { readonly kind: 'subscript'; readonly of: Node; readonly index: Node }
  | { readonly kind: 'call'; readonly of: Node }
  | { readonly kind: 'unary'; readonly operator: string; readonly of: Node }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly kind: 'comparison'; readonly first: Node; readonly rest: readonly (readonly [operator: string, operand: Node])[] }
  | { readonly kind: 'conditional'; readonly test: Node; readonly then: Node; readonly otherwise: Node };

const maxDepth = 64;
const comparisons = new Set(['<', '<=', '>', '>=', '==', '!=', 'in', 'not', 'is']);
const binding: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  '|': 5,
  '^': 6,
  '&': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '//': 10,
  '%': 10,
};
const comparisonPower = 4;
const unaryPower = 11;
const constants: Readonly<Record<string, Value>> = { True: true, False: false, None: null };
const keywords = new Set(
  'as assert async await break class continue def del elif except finally for from global import lambda nonlocal pass raise return try while with yield if else and or not in is'.split(
    ' ',
  ),
);

/** A Pratt parser for Python's expression grammar. `calls` are the columns where something would be called. */
export function parse(text: string): { readonly node: Node; readonly calls: readonly number[] } {
  const parser = new Parser(tokenize(text));
  return { node: parser.whole(), calls: parser.calls };
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly calls: number[] = [];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Node {
    const node = this.#conditional();
    if (this.#peek().kind !== 'end') throw this.#unexpected();
    return node;
  }

  #conditional(): Node {
    if (++this.#depth > maxDepth)
      throw new ExpressionSyntaxFault(`nested more than ${maxDepth} levels deep`, this.#peek().column);
    const then = this.#operators(0);
    let node = then;
    if (this.#take('if')) {
      const test = this.#operators(0);
      this.#expect('else');
      node = { kind: 'conditional', test, then, otherwise: this.#conditional() };
    }
    this.#depth -= 1;
    return node;
  }

  #operators(least: number): Node {
    let left = this.#unary(least);
    for (;;) {
      const operator = this.#text();
      if (comparisons.has(operator) && comparisonPower > least) {
        const comparison = this.#comparison(left);
        if (comparison === undefined) return left;
        left = comparison;
        continue;
      }
      const power = Object.hasOwn(binding, operator) ? (binding[operator] as number) : 0;
      if (power <= least) return left;
      this.#at += 1;
      left = { kind: 'binary', operator, left, right: this.#operators(power) };
    }
  }

  #comparison(first: Node): Node | undefined {
    const rest: [string, Node][] = [];
    for (;;) {
      const operator = this.#comparisonOperator();
      if (operator === undefined) return rest.length === 0 ? undefined : { kind: 'comparison', first, rest };
      rest.push([operator, this.#operators(comparisonPower)]);
    }
  }

  #comparisonOperator(): string | undefined {
    const operator = this.#text();
    if (!comparisons.has(operator)) return undefined;
    if (operator === 'not') {
      if (this.#text(1) !== 'in') return undefined;
      this.#at += 2;
      return 'not in';
    }
    this.#at += 1;
    return operator === 'is' && this.#take('not') ? 'is not' : operator;
  }

  #unary(least: number): Node {
    const operator = this.#text();
    const isNot = operator === 'not';
    if (!isNot && operator !== '-' && operator !== '+' && operator !== '~') return this.#power();
    if (isNot && least > 3) throw this.#unexpected();
    this.#at += 1;
    if (++this.#depth > maxDepth)
      throw new ExpressionSyntaxFault(`nested more than ${maxDepth} levels deep`, this.#peek().column);
    const node: Node = { kind: 'unary', operator, of: this.#operators(isNot ? 3 : unaryPower) };
    this.#depth -= 1;
    return node;
  }

  /** `**` binds tighter than a sign on its left and looser than one on its right: `-2 ** -1` is `-(2 ** (-1))`. */
  #power(): Node {
    const base = this.#primary();
    if (!this.#take('**')) return base;
    return { kind: 'binary', operator: '**', left: base, right: this.#unary(unaryPower) };
  }

  #primary(): Node {
    let node = this.#atom();
    for (;;) {
      const column = this.#peek().column;
      if (this.#take('.')) {
        const token = this.#next();
        if (token.kind !== 'name' || keywords.has(token.text))
          throw new ExpressionSyntaxFault('an attribute name belongs after the dot', token.column);
        node = { kind: 'attribute', of: node, name: token.text };
      } else if (this.#take('[')) {
        const index = this.#conditional();
        this.#expect(']');
        node = { kind: 'subscript', of: node, index };
      } else if (this.#take('(')) {
        this.#elements(')');
        this.calls.push(column);
        node = { kind: 'call', of: node };
      } else return node;
    }
  }

  #atom(): Node {
    const token = this.#next();
    if (token.kind === 'number') return { kind: 'literal', value: token.value };
    if (token.kind === 'string') {
      let value = token.value;
      for (let next = this.#peek(); next.kind === 'string'; next = this.#peek()) {
        value += next.value;
        this.#at += 1;
      }
      return { kind: 'literal', value };
    }
    if (token.kind === 'name') {
      if (Object.hasOwn(constants, token.text)) return { kind: 'literal', value: constants[token.text] as Value };
      if (!keywords.has(token.text)) return { kind: 'name', name: token.text };
    }
    if (token.kind === 'operator' && token.text === '(') return this.#parenthesis();
    if (token.kind === 'operator' && token.text === '[') return { kind: 'list', elements: this.#elements(']') };
    this.#at -= 1;
    throw this.#unexpected();
  }

  #parenthesis(): Node {
    if (this.#take(')')) return { kind: 'list', elements: [] };
    const first = this.#conditional();
    if (this.#take(')')) return first;
    this.#expect(',');
    return { kind: 'list', elements: [first, ...this.#elements(')')] };
  }

  #elements(closing: string): Node[] {
    const elements: Node[] = [];
    while (!this.#take(closing)) {
      elements.push(this.#conditional());
      if (this.#take(',')) continue;
      this.#expect(closing);
      break;
    }
    return elements;
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  /** The operator or word that comes next; a quoted text or a number is neither. */
  #text(ahead = 0): string {
    const token = this.#peek(ahead);
    return token.kind === 'operator' || token.kind === 'name' ? token.text : '';
  }

  #take(text: string): boolean {
    if (this.#text() !== text) return false;
    this.#at += 1;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text))
      throw new ExpressionSyntaxFault(`expected ${text} before ${describe(this.#peek())}`, this.#peek().column);
  }

  #unexpected(): ExpressionSyntaxFault {
    return new ExpressionSyntaxFault(`unexpected ${describe(this.#peek())}`, this.#peek().column);
  }
}

function describe(token: Token): string {
  if (token.kind === 'end') return 'end';
  return token.kind === 'number' || token.kind === 'string' ? `a ${token.kind}` : JSON.stringify(token.text);
}
