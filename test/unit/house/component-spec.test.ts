import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectDir } from './biome.ts';

/** `| id | what it owes | where it is tested |`: a cell of the third column names files and, in quotes, titles in them. */
interface Row {
  readonly id: string;
  readonly owes: string;
  readonly tests: readonly { readonly file: string; readonly titles: readonly string[] }[];
}

const text = readFileSync(join(projectDir, 'docs/component-spec.md'), 'utf8');
const rows = readRows(text);

function readRows(markdown: string): readonly Row[] {
  const found: Row[] = [];
  for (const line of markdown.split('\n')) {
    const cells = /^\| ([A-Z]+\d+) \| (.*) \| (.*) \|$/.exec(line);
    if (cells === null) continue;
    const [, id = '', owes = '', where = ''] = cells;
    const tests = [...where.matchAll(/`([^`]+)`((?: “[^”]+”,?)*)/g)].map(([, file = '', titles = '']) => ({
      file,
      titles: [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
    }));
    found.push({ id, owes, tests });
  }
  return found;
}

describe('the component specification', () => {
  it('has rows, each with an id of its own', () => {
    expect(rows.length).toBeGreaterThan(60);
    expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
  });

  it('says MUST in every row', () => {
    const without = rows.filter((row) => !/\bMUST\b/.test(row.owes));

    expect(without.map((row) => row.id)).toEqual([]);
  });

  it('says MUST nowhere outside of a row', () => {
    const outside = text
      .split('\n')
      .filter((line) => /\bMUST\b/.test(line) && !/^\| [A-Z]+\d+ \|/.test(line) && !/^> /.test(line));

    expect(outside).toEqual([]);
  });

  it.each(rows.map((row) => [row.id, row] as const))('names tests that exist behind %s', (_id, row) => {
    expect(row.tests.flatMap((test) => test.titles).length).toBeGreaterThan(0);
    for (const { file, titles } of row.tests) {
      const path = join(projectDir, file.startsWith('src/') ? '' : 'test', file);
      expect(existsSync(path), file).toBe(true);
      const source = readFileSync(path, 'utf8');
      for (const title of titles) expect(source, `${file}: ${title}`).toContain(title);
    }
  });
});
