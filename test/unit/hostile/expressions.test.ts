import { describe, expect, it } from 'vitest';
import { compileExpression } from '../../../src/core/expression/expression.ts';
import { compileSubstitution } from '../../../src/core/expression/substitution.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { printJson } from '../../../src/model/json-text.ts';
import { sample } from './worker-rig.ts';

function cpuMs(run: () => unknown): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const names = sample('a', {
  volume: 10n ** 4_299n,
  resource_metadata: { list: Array.from({ length: 20_000 }, (_, i) => i), text: 'x'.repeat(60_000), zero: 0 },
}) as unknown as JsonObject;

describe('an expression', () => {
  it.each([
    '9**9**9**9',
    '10**10000',
    '2**-1e308',
    '(-8)**0.5',
    '1 << 10**9',
    '1 >> 10**30',
    '~(10**4300 - 1)',
    '"a" * 10**9',
    '"a" * 65536 * 65536',
    '[0] * 10**9',
    '[[0] * 65000] * 65000',
    '[["a" * 65000] * 2] * 65000',
    '[volume] * 65000',
    '[[resource_metadata.list, resource_metadata.list], [resource_metadata.list, resource_metadata.list]]',
    '[resource_metadata.text, resource_metadata.text]',
    'volume * volume',
    'volume ** 2',
    'volume + volume * 9 + volume',
    '-volume - volume * 9',
    'volume / 3',
    'volume * 1.0',
    '1 / 0',
    '1.0 // 0',
    '1 % 0',
    '0 ** -1',
    '1e308 * 10 - 1e308 * 10',
    `${'resource_metadata.text + '.repeat(100)}''`,
    `${'volume * '.repeat(400)}1`,
    `${'resource_metadata.list + '.repeat(100)}[]`,
    `volume${'.real'.repeat(400)}`,
    `resource_metadata${'.nothing'.repeat(400)}`,
    `resource_metadata${'["nothing"]'.repeat(300)}`,
    `${'0 < '.repeat(500)}1`,
    `${'resource_metadata.text[0] + '.repeat(100)}''`,
    'resource_metadata.list in [resource_metadata.list] * 10',
    'constructor.constructor("return process")()',
    '__proto__.polluted or toString',
  ])('%s ends soon, with a small result or a failure', (text) => {
    const cost = cpuMs(() => {
      try {
        expect(printJson(compileExpression(text).evaluate(names)).length).toBeLessThan(1_000_000);
      } catch (error) {
        expect(error).toMatchObject({ name: 'Fault', class: 'poison' });
      }
    });

    expect(cost).toBeLessThan(2_000);
  });
});

describe('a mapping of names', () => {
  it.each([
    ['(a+)+$', 'x'],
    ['(a*)*$', 'x'],
    ['(a|a)*$', 'x'],
    ['(a|b|ab)*c', 'x'],
    ['(.*)(.*)(.*)(.*)x', '\\1'],
    ['(?=(a+))a*b\\1', 'x'],
    ['((a+)+)+\\2$', 'x'],
    ['(?:a?){500}a{500}', 'x'],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'x'],
  ])('by %s ends on 50 KB that does not match', (pattern, replacement) => {
    const substitute = compileSubstitution(pattern, replacement);
    const cost = cpuMs(() => {
      try {
        substitute?.(`${'a'.repeat(50_000)}!`);
      } catch (error) {
        expect(error).toMatchObject({ kind: 'MemoryError' });
      }
    });

    // The bound is one of steps; this only tells an end from none.
    expect(cost).toBeLessThan(5_000);
  });
});
