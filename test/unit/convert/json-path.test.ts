import { describe, expect, it } from 'vitest';
import { jsonPath } from '../../../src/core/convert/json-path/find.ts';
import { Float, type Json } from '../../../src/model/json.ts';
import { parseJson } from '../../../src/model/json-text.ts';

const document = parseJson(`{
  "a": 7, "b": 3, "f": 2.5, "one": 1.0, "s": "x-y", "e": "é😀z", "l": [1, 2], "none": null, "d.e": 5, "t": true,
  "nested": {"k": {"v": "deep"}}, "big": 12345678901234567890, "num": "42", "2": "digit",
  "lst": [{"k": "a", "v": 1}, {"k": "b", "v": 2}, {"k": "c", "v": null}, {"v": 9}],
  "ctxt": {"user": "u1", "user_id": "u2"}
}`);

describe('JSONPath', () => {
  it.each<[path: string, all: Json]>([
    ['$.a', [7]],
    ['a,b', [7, 3]],
    ['nested.k.v', ['deep']],
    ["'d.e'", [5]],
    ['$["d.e"]', [5]],
    ['"2"', ['digit']],
    ['none', [null]],
    ['none.k', []],
    ['missing', []],
    ['$..v', ['deep', 1, 2, null, 9]],
    ['l[*]', [1, 2]],
    ['l[-1]', [2]],
    ['l[1:]', [2]],
    ['l[5]', []],
    ['a[*]', [7]],
    ['s[0]', ['x']],
    ['e[1]', ['😀']],
    ['e.`len`', [3]],
    ['lst[?k=b].v', [2]],
    ['lst[?k!=b & v>0].v', [1]],
    ['lst[?v=1.0].v', [1]],
    ['lst[?k~"[ab]"].k', ['a', 'b']],
    ['lst[?k].v', [1, 2, null]],
    ['$.a - 2 - 1', [6]], // right-associative
    ['$.a * 2 + 1', [21]], // without precedence
    ['2 * 3', [6]],
    ['$.f * 2', [new Float(5)]],
    ['$.one + 1', [new Float(2)]],
    ['$.t + 1', [2]],
    ['$.big + 1', [12345678901234567891n]],
    ['s * 2', ['ss']], // a bare field in arithmetic is its own name
    ['$.s * 2', ['x-yx-y']],
    ['$.s + "_" + $.num', ['x-y_42']],
    ['a + none', ['anone']],
    ['$.a + $.none', []],
    ['(none)|(b)', [null, 3]],
    ['ctxt.user_id|ctxt.user', []], // groups as ctxt.(user_id|ctxt).user
    ['s.`split(-, 1, -1)`', ['y']],
    ['s.`sub(/(x)-(y)/, \\\\2\\\\1)`', ['yx']],
    ['s.`sub(/q/, z)`', []], // no change is no match
    ['l.`sorted`', [[1, 2]]],
    ['nested.k.`parent`.k.v', ['deep']],
    ['* where k', [{ k: { v: 'deep' } }]],
  ])('%s', (path, all) => {
    expect(jsonPath(path).all(document)).toStrictEqual(all);
    expect(jsonPath(path).first(document)).toStrictEqual((all as Json[]).find((value) => value !== null) ?? null);
  });

  it.each([
    '',
    '%',
    'a b',
    'a / 2',
    'a -2',
    'a-$.b',
    '10',
    '1.5',
    'true',
    'where',
    '$.',
    '.a',
    "'open",
    '{a}',
    '`bogus`',
    '(a',
    'a]',
  ])('does not load %j', (path) => {
    expect(() => jsonPath(path)).toThrow(expect.objectContaining({ class: 'fatal', code: 'bad_path' }));
  });

  it.each([
    ['none[*]', 'TypeError'],
    ['f[*]', 'TypeError'],
    ['nested[0]', 'KeyError'],
    ['a[0]', 'TypeError'],
    ['a & b', 'NotImplementedError'],
    ['a.`sorted`', 'TypeError'],
    ['a.`sub(/q/, z)`', 'TypeError'],
    ['lst[?k=1].v', undefined],
    ['lst[?k>1].v', undefined],
    ['lst[?v>a].v', 'TypeError'],
    ['lst[/v].k', 'TypeError'],
    ['`sorted`', 'AttributeError'],
  ])('%s raises %s', (path, kind) => {
    const found = () => jsonPath(path).all(document);
    if (kind === undefined) expect(found()).toEqual([]);
    else expect(found).toThrow(expect.objectContaining({ kind }));
  });

  it('finds the paths of matches', () => {
    expect(jsonPath('lst[*].k').withPaths(document)).toEqual([
      ['lst.[0].k', 'a'],
      ['lst.[1].k', 'b'],
      ['lst.[2].k', 'c'],
    ]);
  });

  it('sees own keys only, whatever they are called', () => {
    const odd = parseJson('{"constructor": {"name": "own"}, "a": {"__proto__": {"x": 1}}, "list": [1]}');

    expect(jsonPath('constructor.name').first(odd)).toBe('own');
    expect(jsonPath('a.__proto__.x').first(odd)).toBe(1);
    for (const path of ['toString', 'a.constructor', 'list.length', 'list."0"', 'a.__proto__.y', 'hasOwnProperty.name'])
      expect(jsonPath(path).first(odd), path).toBeNull();
  });

  it('stops at a bound of matches instead of multiplying without end', () => {
    let wide: Json = 1;
    for (let i = 0; i < 6; i++) wide = Array.from({ length: 8 }, () => wide);

    expect(() => jsonPath('$..[*]..[*]..[*]').all(wide)).toThrow(expect.objectContaining({ kind: 'MemoryError' }));
    expect(() => jsonPath('(((a)))'.repeat(400))).toThrow(expect.objectContaining({ code: 'bad_path' }));
    expect(() => jsonPath(Array(600).fill('a').join('.'))).toThrow(expect.objectContaining({ code: 'bad_path' }));
  });
});
