import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectDir } from '../../run/program.ts';
import { spoolFaults, spoolTests } from '../../spool/faults.ts';

const text = spoolTests
  .flatMap((folder) => readdirSync(join(projectDir, folder)).map((name) => join(projectDir, folder, name)))
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');
const named = new Set([...text.matchAll(/['"`(](?:S\d+ )*S(\d+) /g)].flatMap(([all]) => all.match(/S\d+/g) ?? []));
const page = readFileSync(join(projectDir, 'docs/guarantees.md'), 'utf8');

it('every fault of the spooler has a test, every such test is listed, and each is on the page of promises', () => {
  const ids = spoolFaults.map(({ id }) => id);

  expect(new Set(ids)).toEqual(named);
  expect(ids.filter((id) => !page.includes(`\`${id}\``))).toEqual([]);
});
