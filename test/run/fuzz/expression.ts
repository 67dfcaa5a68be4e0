import fc, { type Arbitrary } from 'fast-check';
import { compileExpression } from '../../../src/core/expression/expression.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { parseJson, printJson } from '../../../src/model/json-text.ts';
import { refusable, type Target, unpolluted } from './target.ts';

const words =
  'a b volume resource_metadata x.y text list nothing True False None not and or in is if else lambda __proto__'.split(' ');
const signs = '+ - * / // % ** < <= > >= == != & | ^ ~ << >> ( ) [ ] , . ( )'.split(' ');
const literals = [
  '0',
  '1',
  '-1',
  '2.5',
  '1e308',
  '1e400',
  '10',
  '0x1f',
  '1_000',
  '9007199254740993',
  '"a"',
  "'b'",
  '"""c"""',
  '"',
  "r'\\'",
  '[]',
  '()',
  '[1, 2]',
];
const soup: Arbitrary<string> = fc
  .array(fc.constantFrom(...words, ...signs, ...literals), { maxLength: 20 })
  .map((parts) => parts.join(' '));
const binary = fc.constantFrom(...'+ - * / // % ** < == != and or in & | << >>'.split(' '));
const likely: Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(
      ...literals.filter((each) => each !== '"'),
      'a',
      'b',
      'text',
      'list',
      'resource_metadata.n',
      'list[0]',
      'text[-1]',
      'nothing.at.all',
    ),
    fc.tuple(tie('value'), binary, tie('value')).map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    fc.tuple(fc.constantFrom('-', 'not ', '~', '+'), tie('value')).map(([operator, of]) => `(${operator}${of})`),
    fc.tuple(tie('value'), tie('value'), tie('value')).map(([then, test, otherwise]) => `(${then} if ${test} else ${otherwise})`),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
  ),
})).value;
const names = parseJson(
  '{"a":3,"b":2.5,"volume":12345678901234567890,"text":"aé😀","list":[1,[2],"x"],"resource_metadata":{"n":0,"__proto__":{"polluted":1}},"x.y":1}',
) as JsonObject;
const before = printJson(names);

export const expression: Target = {
  id: 'expression',
  about: 'an expression loads or is refused with its column, and gives a value or a failure of one sample',
  property: fc.property(fc.oneof(soup, likely), (text) => {
    const compiled = refusable(() => compileExpression(text), 'fatal');
    if (compiled === null) return unpolluted();
    const value = refusable((): Json => compiled.evaluate(names), 'poison');
    // What JSON cannot say is poison too; a size beyond reason would be a way to stop the agent.
    const printed = value === null ? '' : (refusable(() => printJson(value), 'poison') ?? '');
    if (printed.length > 2_000_000) throw new Error(`${printed.length} characters`);
    return printJson(names) === before && unpolluted();
  }),
};
