import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectDir } from '../house/biome.ts';
import { excessive, hostile } from './corpus.ts';

const page = readFileSync(join(projectDir, 'docs/dead-letters.md'), 'utf8');
/**
 * Poison that reaches no letter under its own name: a transformer's failure is `transformer_error`, an item read back is ours, a frame
 * of another site ends its connection, and a file of a spool that cannot be read is kept there as corrupted.
 */
const frames = ['bad_frame', 'frame_too_large', 'frame_too_deep'];
const files = ['bad_literal', 'foreign_file', 'empty_file', 'unreadable_file'];
const inside = new Set(['bad_item', 'bad_timestamp', 'expression_failed', ...frames, ...files]);

function codesOf(folder: string): readonly string[] {
  const files = readdirSync(join(projectDir, folder), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files.flatMap((name) =>
    [...readFileSync(join(projectDir, folder, name), 'utf8').matchAll(/'poison', '(\w+)'/g)].map((found) => found[1] as string),
  );
}

it('every reason of a dead letter is explained', () => {
  const fates = hostile.flatMap(({ fate }) => (fate.kind === 'refused' ? [fate.code] : []));
  const reasons = new Set([...codesOf('src'), ...fates, ...excessive.map(({ reason }) => reason)]);

  expect(reasons.size).toBeGreaterThan(12);
  expect([...reasons].filter((reason) => !inside.has(reason) && !page.includes(`\`${reason}\``))).toEqual([]);
});
