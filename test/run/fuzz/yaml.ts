import { isDeepStrictEqual } from 'node:util';
import fc, { type Arbitrary } from 'fast-check';
import { stringify } from 'yaml';
import { readYaml } from '../../../src/config/yaml-document.ts';
import { printJson } from '../../../src/model/json-text.ts';
import { mutated } from './mutation.ts';
import { type Target, unpolluted } from './target.ts';

const soup: Arbitrary<string> = fc.string({ unit: fc.constantFrom(...'ab:-[]{}&*!<,?|>"\'\n #%@`~01.\t\r'), maxLength: 80 });
const pieces = [
  '&a ',
  '*a',
  '<<: ',
  '!!str ',
  '!x ',
  '__proto__: ',
  '- ',
  '? ',
  '|\n',
  '>-\n',
  '---\n',
  '...\n',
  '\t',
  '\ufeff',
  '\r\n',
  '# ',
  '"',
  "'",
  '{',
  '[',
  '\u0000',
];
const plain = fc.jsonValue({ maxDepth: 3 });
const written = mutated(
  fc.oneof(
    plain.map((value) => stringify(value)),
    fc.constant(
      'sink: x\nfrom: samples\nmatch: ["*"]\ntransform:\n  - &s { unit_conversion: { target: { scale: "1" } } }\n  - *s\npublish: [stdout]\n',
    ),
  ),
  pieces,
);
const inLine = (line: number, column: number) => line >= 1 && column >= 1;

export const yaml: Target = {
  id: 'yaml',
  about: 'a text is a document or problems with their places, in both dialects, and never throws',
  property: fc.property(fc.oneof(soup, written), plain, (text, value) => {
    for (const dialect of ['yaml-1.2', 'pyyaml'] as const) {
      const { document, problems } = readYaml(text, 'f', dialect);
      if (document === null && problems.length === 0) throw new Error('neither a document nor a problem');
      if (!problems.every((problem) => inLine(problem.line, problem.column))) throw new Error('a problem without a place');
    }
    // What somebody else's printer wrote is read as what it was.
    const read = readYaml(stringify(value), 'f');
    // But `__proto__`, which we refuse, and `<<`, which that printer does not quote.
    if (/"(?:__proto__|<<)":/.test(JSON.stringify(value))) return unpolluted();
    return (
      isDeepStrictEqual(JSON.parse(printJson(read.document?.value ?? null)), JSON.parse(JSON.stringify(value))) && unpolluted()
    );
  }),
};
