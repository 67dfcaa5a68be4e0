import { describe, expect, it } from 'vitest';
import { loadPipelines } from '../../../src/config/load-pipelines.ts';
import { folderWith, problemsOf } from './fixtures.ts';

const sink =
  'sink: a\nfrom: samples\nmatch: ["*"]\ntransform:\n  - use: ./mine.mjs\n    parameters: { factor: 2 }\npublish: [stdout]\n';
const schema =
  '{ safeParse: (value) => value.factor > 0 ? { success: true, data: value } : { success: false, error: { issues: [] } } }';
const good = `export const transformer = { name: 'mine', summary: 's', takes: ['samples'], scope: 'none', Parameters: ${schema}, examples: [], step: (p, item) => ({ out: [{ item }] }) };\n`;

describe("an operator's own transformer", () => {
  it('is a step like ours, and its text is part of the hash', async () => {
    const dir = await folderWith({ 'a.yaml': sink, 'mine.mjs': good });
    const changed = await folderWith({ 'a.yaml': sink, 'mine.mjs': `// changed\n${good}` });

    const [one] = await loadPipelines(dir, { env: {} });
    const [other] = await loadPipelines(changed, { env: {} });

    expect(one?.steps).toMatchObject([{ name: 'mine', parameters: { factor: 2 } }]);
    expect(one?.hash).not.toBe(other?.hash);
  });

  it.each([
    ['is not there', {}, /a\.yaml:5:10 transform\.0\.use: cannot load .*mine\.mjs: no such file or folder/],
    ['does not parse', { 'mine.mjs': 'export const = 1' }, /cannot load .*mine\.mjs: ./],
    ['exports something else', { 'mine.mjs': 'export const other = 1' }, /does not export `transformer` \(it exports other\)/],
    [
      'refuses its parameters',
      { 'mine.mjs': good.replace('> 0', '> 5') },
      /^a\.yaml:6:17 transform\.0\.parameters: refused by its schema$/,
    ],
    ['lacks a step', { 'mine.mjs': good.replace('step:', 'stop:') }, /`transformer` needs `step`, a function/],
    [
      'keeps state without saying how',
      { 'mine.mjs': good.replace("'none'", "'key'") },
      /needs `State`, a zod schema of what it remembers; needs `key`, .*; needs `partitionKeys`/,
    ],
  ])('that %s is refused with its line', async (_, files, expected) => {
    const dir = await folderWith({ 'a.yaml': sink, ...files });

    const problems = await problemsOf(loadPipelines(dir, { env: {} }), dir);

    expect(problems).toEqual([expect.stringMatching(expected)]);
  });

  it('whose partition_by does not fit its key is refused', async () => {
    const keyed = good
      .replace("'none'", "'key'")
      .replace('examples', `State: ${schema}, key: () => ['x'], partitionKeys: () => ['project_id'], examples`);
    const dir = await folderWith({ 'a.yaml': sink, 'mine.mjs': keyed });

    expect(await problemsOf(loadPipelines(dir, { env: {} }), dir)).toEqual([
      'a.yaml:5:5 transform.0: partition_by (by default [resource_id]) has resource_id, which is not in the key of mine, expected a part of [project_id]; write `partition_by: [project_id]`',
    ]);
  });
});

it('state keyed by what a step before it rewrites is refused', async () => {
  const dir = await folderWith({
    'a.yaml':
      'sink: a\nfrom: samples\nmatch: ["*"]\npartition_by: [name]\ntransform:\n  - rename: { name: { a: b } }\n  - rate_of_change: {}\npublish: [stdout]\n',
  });

  expect(await problemsOf(loadPipelines(dir, { env: {} }), dir)).toEqual([
    expect.stringMatching(/^a\.yaml:7:5 transform\.1: rate_of_change keeps state by name, which rename before it rewrites/),
  ]);
});
