import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clusterFaults } from '../../cluster/faults.ts';
import { testedFaults } from '../../faults/tested.ts';
import { mailFaults } from '../../mail/faults.ts';
import { projectDir } from '../../run/program.ts';

describe('the promises of a cluster', () => {
  const page = readFileSync(join(projectDir, 'docs/guarantees.md'), 'utf8');
  const rows = page
    .slice(page.indexOf('## In a cluster'), page.indexOf('## Weaker'))
    .split('\n')
    .filter((line) => /^\| (?!What happens|-)/.test(line) && !line.startsWith('|---'));
  const proofs = rows.map((row) => row.split(' | ').at(-1) ?? '');
  const proof = proofs.join('\n');

  it('name what tries them, each of them', () => {
    expect(rows.length).toBeGreaterThan(15);
    expect(rows.filter((_, i) => !/`/.test(proofs[i] ?? ''))).toEqual([]);
  });

  it('name only faults that there are, and none is left out', () => {
    const named = new Set([...proof.matchAll(/`(K?F\d+\w*)`/g)].map(([, id = '']) => id));
    const there = new Set([...clusterFaults, ...testedFaults].map(({ id }) => id));

    expect([...named].filter((id) => !there.has(id))).toEqual([]);
    expect([...there].filter((id) => !named.has(id))).toEqual([]);
  });

  it('name only checks of test:compose that there are', () => {
    const runner = readFileSync(join(projectDir, 'test/run/compose.ts'), 'utf8');
    const named = [...proof.matchAll(/`compose -- (\w+)`/g)].map(([, id = '']) => id);

    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((id) => !runner.includes(`id: '${id}'`))).toEqual([]);
  });

  it('name only tests that there are', () => {
    const missing: string[] = [];
    let found = 0;
    for (const [, file = '', titles = ''] of proof.matchAll(/`([\w/.-]+\.test\.ts)`((?:,? “[^”]+”)*)/g)) {
      const path = join(projectDir, 'test', file);
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      if (text === '') missing.push(file);
      for (const [, title = ''] of titles.matchAll(/“([^”]+)”/g)) {
        found += 1;
        if (!text.includes(`'${title}'`)) missing.push(`${file} “${title}”`);
      }
    }

    expect(found).toBeGreaterThan(10);
    expect(missing).toEqual([]);
  });
});

describe('the promises of mails', () => {
  const page = readFileSync(join(projectDir, 'docs/guarantees.md'), 'utf8');
  const rows = page.slice(page.indexOf('## Mails'), page.indexOf('## The Livestatus proxy'));

  it('name only faults that there are, and none is left out', () => {
    const named = new Set([...rows.matchAll(/`(M\d+)`/g)].map(([, id = '']) => id));

    expect([...named].sort()).toEqual(mailFaults.map(({ id }) => id).sort());
  });
});
