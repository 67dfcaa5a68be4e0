import type { Json, Numeric } from '../../../model/json.ts';
import type { Operator } from '../../python/number.ts';
import { compilePattern, type Pattern } from '../../python/regex/pattern.ts';
import type { Grammar, Rule } from './lalr.ts';

/** What a path means, before it is compiled. */
export type Path =
  | { readonly kind: 'root' | 'this' | 'parent' | 'len' | 'sorted' }
  | { readonly kind: 'child' | 'descendants' | 'where' | 'union' | 'intersect'; readonly left: Path; readonly right: Path }
  | { readonly kind: 'fields'; readonly names: readonly string[] }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'slice'; readonly from: number | null; readonly to: number | null }
  | { readonly kind: 'operation'; readonly operator: Operator; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'filter'; readonly conditions: readonly Condition[] }
  | { readonly kind: 'sort'; readonly by: readonly { readonly path: Path; readonly reverse: boolean }[] }
  | { readonly kind: 'split'; readonly separator: string; readonly segment: number; readonly most: number }
  | { readonly kind: 'sub'; readonly pattern: Pattern; readonly replacement: string };

export type Operand = { readonly path: Path } | { readonly constant: Json };
export type FilterOperator = '=' | '==' | '!=' | '<' | '<=' | '>' | '>=' | '~';
export interface Condition {
  readonly path: Path;
  readonly compare: { readonly operator: FilterOperator; readonly value: Json } | undefined;
}

// Every part on the parser's stack is one of the above, a token's value or a list of them; the grammar guarantees which. The
// casts below are that guarantee.
type Build = Rule<unknown>['build'];
const rule = (head: string, body: string, build: Build): Rule<unknown> => ({
  head,
  body: body === '' ? [] : body.split(' '),
  build,
});
const same: Build = ([part]) => part;
const middle: Build = ([, part]) => part;
const binary =
  (kind: 'child' | 'descendants' | 'where' | 'union' | 'intersect'): Build =>
  ([left, , right]) => ({ kind, left, right });
const after: Build = ([left, , right]) => ({ kind: 'child', left, right });
const fields: Build = ([, names]) => ({ kind: 'fields', names });
const condition: Build = ([path, operator, value]) => ({
  path,
  compare: operator === undefined ? undefined : { operator, value },
});

const operation: Build = ([left, operator, right]) => ({
  kind: 'operation',
  operator,
  left: operand(left as Path | Json),
  right: operand(right as Path | Json),
});

/** In arithmetic a single bare field is a text: `$.host + '_'` needs the text, and a field can always be written `$.field`. */
function operand(part: Path | Json): Operand {
  if (typeof part !== 'object' || part === null || !Object.hasOwn(part, 'kind')) return { constant: part as Json };
  const path = part as Path;
  return path.kind === 'fields' && path.names.length === 1 ? { constant: path.names[0] as string } : { path };
}

const splitShape = /^split\((.),\s+(\d+),\s+(\d+|-1)\)/u;
const subShape = /^sub\(\/(.*)\/,\s+(.*)\)/u;

const namedOperator: Build = ([name]) => {
  const text = name as string;
  if (text === 'this' || text === 'parent' || text === 'len' || text === 'sorted') return { kind: text };
  const split = splitShape.exec(text);
  if (split !== null) return { kind: 'split', separator: split[1], segment: Number(split[2]), most: Number(split[3]) };
  const sub = subShape.exec(text);
  if (sub === null) throw new Error(`unknown operator \`${text}\``);
  const pattern = compilePattern((sub[1] as string).trim());
  return { kind: 'sub', pattern, replacement: (sub[2] as string).trim() };
};

const sliceBound = (value: unknown): number | null => (value === null ? null : Number(value as Numeric));

/** jsonpath-rw 1.4.0 with jsonpath-rw-ext 1.2.2, rule by rule. `/` never reaches the parser (see the lexer). */
export const grammar: Grammar<unknown> = {
  rules: [
    rule('jsonpath', 'jsonpath . jsonpath', binary('child')),
    rule('jsonpath', 'jsonpath DOUBLEDOT jsonpath', binary('descendants')),
    rule('jsonpath', 'jsonpath WHERE jsonpath', binary('where')),
    rule('jsonpath', 'jsonpath | jsonpath', binary('union')),
    rule('jsonpath', 'jsonpath & jsonpath', binary('intersect')),
    rule('jsonpath', 'NUMBER operator NUMBER', operation),
    rule('jsonpath', 'FLOAT operator FLOAT', operation),
    rule('jsonpath', 'ID operator ID', operation),
    rule('jsonpath', 'NUMBER operator jsonpath', operation),
    rule('jsonpath', 'FLOAT operator jsonpath', operation),
    rule('jsonpath', 'jsonpath operator NUMBER', operation),
    rule('jsonpath', 'jsonpath operator FLOAT', operation),
    rule('jsonpath', 'jsonpath operator jsonpath', operation),
    rule('operator', '+', same),
    rule('operator', '-', same),
    rule('operator', '*', same),
    rule('operator', '/', same),
    rule('jsonpath', 'fields_or_any', ([names]) => ({ kind: 'fields', names })),
    rule('jsonpath', 'NAMED_OPERATOR', namedOperator),
    rule('jsonpath', '$', () => ({ kind: 'root' })),
    rule('jsonpath', '@', () => ({ kind: 'this' })),
    rule('jsonpath', '( jsonpath )', middle),
    rule('jsonpath', '[ idx ]', middle),
    rule('jsonpath', '[ slice ]', middle),
    rule('jsonpath', '[ fields ]', fields),
    rule('jsonpath', 'jsonpath [ fields ]', ([left, , names]) => ({ kind: 'child', left, right: { kind: 'fields', names } })),
    rule('jsonpath', 'jsonpath [ idx ]', after),
    rule('jsonpath', 'jsonpath [ slice ]', after),
    rule('jsonpath', 'jsonpath [ filter ]', after),
    rule('jsonpath', 'jsonpath [ sorts ]', ([left, , by]) => ({ kind: 'child', left, right: { kind: 'sort', by } })),
    rule('fields_or_any', 'fields', same),
    rule('fields_or_any', '*', () => ['*']),
    rule('fields', 'ID', ([name]) => [name]),
    rule('fields', 'fields , fields', ([left, , right]) => [...(left as string[]), ...(right as string[])]),
    rule('idx', 'NUMBER', ([index]) => ({ kind: 'index', index: Number(index) })),
    rule('slice', '*', () => ({ kind: 'slice', from: null, to: null })),
    rule('slice', 'maybe_int : maybe_int', ([from, , to]) => ({ kind: 'slice', from: sliceBound(from), to: sliceBound(to) })),
    rule('maybe_int', 'NUMBER', same),
    rule('maybe_int', 'empty', () => null),
    rule('empty', '', () => null),
    rule('expression', 'jsonpath', condition),
    rule('expression', 'jsonpath FILTER_OP ID', condition),
    rule('expression', 'jsonpath FILTER_OP FLOAT', condition),
    rule('expression', 'jsonpath FILTER_OP NUMBER', condition),
    rule('expression', 'jsonpath FILTER_OP BOOL', condition),
    rule('expressions', 'expression', ([first]) => [first]),
    rule('expressions', 'expressions & expressions', ([left, , right]) => [...(left as Condition[]), ...(right as Condition[])]),
    rule('expressions', '( expressions )', middle),
    rule('filter', '? expressions', ([, conditions]) => ({ kind: 'filter', conditions })),
    rule('sort', 'SORT_DIRECTION jsonpath', ([direction, path]) => ({ path, reverse: direction !== '/' })),
    rule('sorts', 'sort', ([first]) => [first]),
    rule('sorts', 'sorts sorts', ([left, right]) => [...(left as unknown[]), ...(right as unknown[])]),
  ],
  precedence: [
    ['left', '+', '-'],
    ['left', '*', '/'],
    ['left', ','],
    ['left', 'DOUBLEDOT'],
    ['left', '.'],
    ['left', '|'],
    ['left', '&'],
    ['left', 'WHERE'],
    ['nonassoc', 'ID'],
  ],
};
