import fc, { type Arbitrary } from 'fast-check';
import { jsonPath } from '../../../src/core/convert/json-path/find.ts';
import { PythonError } from '../../../src/core/python/python-error.ts';
import { parseJson } from '../../../src/model/json-text.ts';
import { refusable, type Target, unpolluted } from './target.ts';

const tokens = [
  ...'$ . .. * [ ] ( ) , : | & ? @ + - ~ = == != < > <= >= / \\ ` " \''.split(' '),
  ...'a b payload metadata where true false 0 1 -1 2.5 99999999999999999999 __proto__ constructor'.split(' '),
  '`this`',
  '`parent`',
  '`len`',
  '`sorted`',
  '`split(., 0, -1)`',
  '`split(a, 5, 1)`',
  '`sub(/(a+)+$/, x)`',
  '`sub(/(a|b)*\\\\1/, [\\\\1])`',
  '[*]',
  '[0]',
  '[1:2]',
  '[?a]',
  '[?a > 1]',
  '[?a ~ "a.*"]',
  '[?(@.a == 1 & @.b)]',
  '[\\a]',
  ' ',
  '"',
];
const soup: Arbitrary<string> = fc.array(fc.constantFrom(...tokens), { maxLength: 14 }).map((parts) => parts.join(''));
const steps = [
  'a',
  'b',
  '*',
  'a|b',
  'a,b',
  '[*]',
  '[0]',
  '[-1]',
  '[?a]',
  '[?a>0]',
  '[?a~"x"]',
  '`len`',
  '`this`',
  '`parent`',
  '`sorted`',
];
const likely: Arbitrary<string> = fc
  .tuple(
    fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 6 }),
    fc.constantFrom('.', '..'),
    fc.constantFrom('', ' + 1', ' * $.a', " - 'x'"),
  )
  .map(([parts, joint, tail]) => `$.${parts.join(joint)}${tail}`);
const leaf = fc.constantFrom('1', '-1.5', '12345678901234567890', '"aab"', '"x.y"', 'null', 'true', '""');
const document: Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    fc
      .array(fc.tuple(fc.constantFrom('a', 'b', 'payload', '__proto__'), tie('value')), { maxLength: 3 })
      .map((entries) => `{${entries.map(([key, value]) => `"${key}":${value}`).join(',')}}`),
  ),
})).value;

export const jsonpath: Target = {
  id: 'jsonpath',
  about: 'a path loads or is refused with its place, and finds something or raises as Python does',
  property: fc.property(fc.oneof(soup, likely), document, (text, given) => {
    const path = refusable(() => jsonPath(text), 'fatal');
    if (path === null) return unpolluted();
    const value = parseJson(given);
    for (const find of [path.first, path.all, path.withPaths]) {
      try {
        find(value);
      } catch (error) {
        if (!(error instanceof PythonError)) throw error;
      }
    }
    return unpolluted();
  }),
};
