import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { projectDir } from './biome.ts';

const rooms = /^(?:src|test|docs|deploy|bench|pipelines|examples|changes|schema)\//;

/** Targets of relative links, from the folder of the page. */
function linksOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target.replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}

/** Paths of the project in backticks, those with a placeholder or a pattern left out. */
function pathsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/`([^`\s]+)`/g)]
    .map(([, path = '']) => path)
    .filter((path) => rooms.test(path) && !/[<>*{},…$]/.test(path));
}

describe('the pages', () => {
  let pages: readonly string[];

  beforeAll(async () => {
    const top = (await readdir(projectDir)).filter((name) => name.endsWith('.md'));
    const below = (await readdir(join(projectDir, 'docs'), { recursive: true })).filter((name) => name.endsWith('.md'));
    pages = [...top, ...below.map((name) => join('docs', name))];
  });

  const missing = (find: (markdown: string, page: string) => readonly string[]) =>
    pages.flatMap((page) => {
      const markdown = readFileSync(join(projectDir, page), 'utf8');
      return find(markdown, page).map((target) => `${page}: ${target}`);
    });

  it('are found', () => {
    expect(pages).toContain('CONTRIBUTING.md');
    expect(pages).toContain('docs/architecture.md');
  });

  it('link only to what exists', () => {
    const broken = missing((markdown, page) =>
      linksOf(markdown).filter((target) => !existsSync(join(projectDir, dirname(page), target))),
    );

    expect(broken).toEqual([]);
  });

  it('name only files and folders that exist', () => {
    const broken = missing((markdown) => pathsOf(markdown).filter((path) => !existsSync(join(projectDir, path))));

    expect(broken).toEqual([]);
  });
});
