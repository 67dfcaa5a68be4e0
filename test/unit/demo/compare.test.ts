import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compareOutputs, readOutputs } from '../../../src/cli/demo/compare.ts';

// The demo's verdict is only worth something if each way of being wrong is seen.

const line = (id: string, volume: number) => JSON.stringify({ id, volume });
const expected = new Map([
  ['f.jsonl\t1', line('1', 1)],
  ['f.jsonl\t2', line('2', 2)],
  ['f.jsonl\t3', line('3', 3)],
]);

async function outputsOf(...lines: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'ceilograph-compare-'));
  try {
    await writeFile(join(folder, 'f.jsonl'), lines.join('\n'));
    return await readOutputs(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('finds outputs identical, lost, invented and different by id', async () => {
  const { outputs, repeated } = await outputsOf(line('1', 1), line('2', 99), line('9', 9));
  const result = compareOutputs(expected, outputs, repeated);

  expect(result).toMatchObject({
    expected: 3,
    identical: 1,
    different: ['f.jsonl\t2'],
    lost: ['f.jsonl\t3'],
    invented: ['f.jsonl\t9'],
  });
});

it('counts a line that stands twice as repeated, and one id with two contents as torn', async () => {
  expect(await outputsOf(line('1', 1), line('1', 1))).toMatchObject({ repeated: 1, torn: [] });
  expect((await outputsOf(line('1', 1), line('1', 2))).torn).toHaveLength(1);
});

it('sees a torn line', async () => {
  expect((await outputsOf(line('1', 1), '{"id":"2","vol')).torn).toHaveLength(1);
});
