import { isDeepStrictEqual } from 'node:util';
import fc, { type Arbitrary } from 'fast-check';
import { Fault } from '../../../src/model/faults.ts';
import { Float, type Json } from '../../../src/model/json.ts';
import { parseJson, printJson } from '../../../src/model/json-text.ts';
import { mutated } from './mutation.ts';
import { refusable, type Target, unpolluted } from './target.ts';

const numbers = [
  '0',
  '-0',
  '-0.0',
  '1.0',
  '1e2',
  '1E400',
  '-1e400',
  '1e-400',
  '9007199254740993',
  '123456789012345678901',
  '0.1',
];
const pieces = [
  ...numbers,
  ...'{}[],:"\\ \n\t-+.eE0u'.split(''),
  '"\\ud800"',
  '"__proto__":',
  'null',
  'true',
  'NaN',
  '\u0000',
  '\ud800',
];

const number: Arbitrary<string> = fc.oneof(
  fc.constantFrom(...numbers),
  fc.bigInt().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.tuple(fc.bigInt(), fc.nat(), fc.integer({ min: -340, max: 340 })).map(([a, b, c]) => `${a}.${b}e${c}`),
);
const blank = fc.constantFrom('', ' ', '\n\t');
const text: Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    number,
    fc.string({ unit: 'binary', maxLength: 8 }).map((value) => JSON.stringify(value)),
    fc.constantFrom('true', 'false', 'null'),
    fc.tuple(fc.array(tie('value'), { maxLength: 4 }), blank).map(([items, space]) => `[${items.join(`,${space}`)}${space}]`),
    fc
      .tuple(
        fc.array(fc.tuple(fc.oneof(fc.string({ maxLength: 4 }), fc.constant('__proto__')), tie('value')), { maxLength: 4 }),
        blank,
      )
      .map(
        ([entries, space]) => `{${space}${entries.map(([key, value]) => `${JSON.stringify(key)}${space}:${value}`).join(',')}}`,
      ),
  ),
})).value;

/** As JSON.parse has it, where the difference between its numbers is lost. */
function plain(value: Json): unknown {
  if (value instanceof Float) return value.value + 0;
  if (typeof value === 'bigint' || typeof value === 'number') return Number(value) + 0;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner as Json)]));
}

function withoutMinusZero(value: unknown): unknown {
  if (typeof value === 'number') return value + 0;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutMinusZero(inner)]));
}

/** What only we refuse: an endless number, too many digits or levels. */
const ours = new Set(['bad_number', 'too_deep']);

export const json: Target = {
  id: 'json',
  about: 'our JSON parser takes what JSON.parse takes, as the same values, and reads back what it prints',
  property: fc.property(mutated(text, pieces), (candidate) => {
    let expected: { readonly value: unknown } | null = null;
    try {
      expected = { value: withoutMinusZero(JSON.parse(candidate)) };
    } catch {
      // then ours must refuse it too
    }
    let value: Json;
    try {
      value = parseJson(candidate);
    } catch (error) {
      if (!(error instanceof Fault) || error.class !== 'poison') throw error;
      return expected === null || ours.has(error.code);
    }
    if (expected === null) throw new Error('JSON.parse refuses it');
    if (!isDeepStrictEqual(plain(value), expected.value)) throw new Error(`another value: ${printJson(value)}`);
    const again = refusable(() => parseJson(printJson(value)), 'poison');
    return isDeepStrictEqual(again, value) && unpolluted();
  }),
};
