import { expect, it } from 'vitest';
import { lotOf, score } from '../../../src/core/partition/rendezvous.ts';

const units = Array.from({ length: 20_000 }, (_, i) => lotOf(`cg.c.sink-${i % 7}.g1.p${i}`));

function winsOf(weights: readonly number[]): readonly number[] {
  const members = weights.map((weight, i) => ({ lot: lotOf(`agent-${i}`), weight }));
  const wins = weights.map(() => 0);
  for (const unit of units) {
    const scores = members.map(({ lot, weight }) => score(unit, lot, weight));
    const winner = scores.indexOf(Math.max(...scores));
    wins[winner] = (wins[winner] ?? 0) + 1;
  }
  return wins;
}

it.each([
  [[1, 1]],
  [[1, 1, 1, 1, 1, 1, 1, 1]],
  [[1, 2, 3, 4]],
  [[0.5, 8]],
])('lets members of the weights %j win their part of the units, within four standard deviations', (weights) => {
  const total = weights.reduce((sum, weight) => sum + weight, 0);

  for (const [index, wins] of winsOf(weights).entries()) {
    const part = (weights[index] ?? 0) / total;
    const deviation = Math.sqrt(units.length * part * (1 - part));
    expect(Math.abs(wins - units.length * part)).toBeLessThanOrEqual(4 * deviation);
  }
});

it('draws a score for each pair of names alone: who else is there changes nothing', () => {
  expect(score(lotOf('unit'), lotOf('agent'), 1)).toBe(score(lotOf('unit'), lotOf('agent'), 1));
  expect(score(lotOf('unit'), lotOf('agent'), 1)).not.toBe(score(lotOf('agent'), lotOf('unit'), 1));
});

it('stays above zero and finite whatever the halves are', () => {
  for (const high of [0, -1, 1, 0x7fff_ffff, -0x8000_0000])
    for (const low of [0, -1, 1, 0x7fff_ffff, -0x8000_0000]) {
      const reached = score({ high, low }, { high: low, low: high }, 1);
      expect(reached).toBeGreaterThan(0);
      expect(reached).toBeLessThan(Number.POSITIVE_INFINITY);
    }
});
