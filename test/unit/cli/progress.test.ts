import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Progress, progressLine } from '../../../src/cli/progress.ts';

describe('the progress of a replay', () => {
  it.each([
    [0.5, 1_000, 10_000, '] 50 %  100/s, 10 s left'],
    [0.01, 5, 1_000, '] 1 %  5/s, 1 min 39 s left'],
    [0.001, 10, 10_000, '] 0 %  1/s, 2 h 46 min left'],
    [1.2, 10, 1_000, '] 100 %  10/s, 0 s left'],
    [0.5, 10, 100, '] 50 %'],
  ])('of %s after %s lines in %s ms is …%s', (share, items, ms, line) => {
    expect(progressLine(share, items, ms).endsWith(line)).toBe(true);
  });

  it('is drawn on a terminal, at most ten times a second, and nowhere else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'progress-'));
    const file = join(folder, 'in.jsonl');
    await writeFile(file, 'x'.repeat(100));
    let now = 0;
    const drawn = (isTTY: boolean) => {
      const texts: string[] = [];
      const progress = new Progress(file, { isTTY, write: (text) => texts.push(text) }, () => now);
      for (let n = 0; n < 10; n++) {
        progress.add(10);
        now += 60;
      }
      progress.end();
      return texts;
    };

    expect(drawn(false)).toEqual([]);
    expect(drawn(true)).toHaveLength(6);
    await rm(folder, { recursive: true });
  });
});
