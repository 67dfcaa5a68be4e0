import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Literal, printLiteral, readAssignments, readLiteral } from '../../../src/core/livestatus/python-literal.ts';

const literal: fc.Arbitrary<Literal> = fc.letrec<{ value: Literal }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 }).map((entries) => new Map<Literal, Literal>(entries)),
  ),
})).value;

describe('a Python file of assignments', () => {
  it('is read as Python would leave its names', () => {
    const names = readAssignments(`# comment
sites = {}
sites.update({'muc': {'alias': u'M\\xfcnchen', "socket": ('tcp', {'address': ("10.0.0.1", 6557)}), 'proxy': None, },
})
sites.update({'ber': r'a\\n' 'b', }) ; more = [1, -2.5, 0x1F, 1_000, 3L,]
more += [True, (1), (1,), ()]
text = """two
lines"""
long = \\
  'x'
`);

    expect(names.get('sites')).toEqual(
      new Map<string, unknown>([
        [
          'muc',
          new Map<string, unknown>([
            ['alias', 'München'],
            ['socket', ['tcp', new Map([['address', ['10.0.0.1', 6557]]])]],
            ['proxy', null],
          ]),
        ],
        ['ber', 'a\\nb'],
      ]),
    );
    expect(names.get('more')).toEqual([1, -2.5, 31, 1000, 3, true, 1, [1], []]);
    expect(names.get('text')).toBe('two\nlines');
    expect(names.get('long')).toBe('x');
  });

  it.each([
    ['import os', 1, 'expected =, += or .update'],
    ['sites = dict()', 1, 'dict is a name'],
    ["\n\nsites = {'a': __import__('os').system('x')}", 3, '__import__ is a name'],
    ["sites = {'a': 1} if x else {}", 1, 'nothing is executed'],
    ["sites = 'a' + 'b'", 1, 'nothing is executed'],
    ["sites = {'a' 1}", 1, 'expected : after the key'],
    ['sites = [1 2]', 1, 'expected , or ]'],
    ["sites = 'a\nb'", 1, 'the text does not end'],
    ['sites = {', 1, 'expected a value'],
    ['sites = [1]\nsites.update({})', 2, 'takes a dict'],
    [`x = ${'['.repeat(100)}`, 1, 'nested deeper than 64'],
  ])('%j is refused in line %i: %s', (text, line, message) => {
    let thrown: unknown;
    try {
      readAssignments(text);
    } catch (error) {
      thrown = error;
    }

    expect(thrown).toMatchObject({ name: 'PythonSyntaxError', line });
    expect((thrown as Error).message).toContain(message);
  });

  it('says the same after it was printed and read again', () => {
    fc.assert(
      fc.property(literal, (value) => {
        expect(readLiteral(printLiteral(value))).toEqual(value);
      }),
    );
  });
});
