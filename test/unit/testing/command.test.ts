import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ceilograph, projectDir, startCeilograph } from './ceilograph.ts';

/** A process of its own per case, on a machine that may be busy. */
const timeout = 60_000;

describe('ceilograph test', () => {
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ceilograph-test-'));
    await mkdir(join(dir, 'pipelines'));
    await cp(join(projectDir, 'pipelines/cpu-util.yaml'), join(dir, 'pipelines/cpu-util.yaml'));
    const shipped = await readFile(join(projectDir, 'pipelines/cpu-util.test.yaml'), 'utf8');
    await writeFile(
      join(dir, 'pipelines/cpu-util.test.yaml'),
      shipped.replace('type: gauge, volume: 25,', 'type: gauge, volume: 26,'),
    );
  });

  it('passes on the sinks that come with the product and on the examples', { timeout }, async () => {
    const { code, stdout } = await ceilograph(['test', 'pipelines', 'examples/pipelines']);

    expect(stdout.split('\n').filter((line) => !line.startsWith('✓'))).toEqual([
      expect.stringMatching(/^\d+ passed, 0 failed$/),
      '',
    ]);
    expect(code).toBe(0);
    for (const sink of ['all-events', 'cpu-util', 'disk-usage-window', 'instance-lifecycle', 'own-transformer', 'fahrenheit'])
      expect(stdout).toContain(`✓ ${sink} › `);
  });

  it('marks a failing case, shows what was expected and what came, and exits with 1', { timeout }, async () => {
    const { code, stdout } = await ceilograph(['test', 'pipelines', '--filter', 'a minute apart'], dir);

    expect(stdout).toBe(`✗ cpu-util › Two readings a minute apart give the load between them
    pipelines/cpu-util.test.yaml:2:3
    item 1 (pipelines/cpu-util.test.yaml:16) is another
      volume
        expected 26
        got      25.0
0 passed, 1 failed
`);
    expect(code).toBe(1);
  });

  it('writes the same for a CI server, well-formed whatever a title says', { timeout }, async () => {
    const { code } = await ceilograph(['test', '--junit', 'results.xml'], dir);

    const xml = await readFile(join(dir, 'results.xml'), 'utf8');
    expect(code).toBe(1);
    expect(xml).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites name="ceilograph" tests="8" failures="1" errors="0"/,
    );
    expect(xml).toMatch(/<testsuite name="cpu-util" tests="8" failures="1"/);
    expect(xml).toContain('<testcase classname="cpu-util" name="Two readings a minute apart give the load between them"');
    expect(xml).toContain('file="pipelines/cpu-util.test.yaml" line="2"');
    expect(xml).toMatch(/<failure message="item 1 [^"]* is another">[^<]*expected 26[^<]*<\/failure>/);
    expect(xml.match(/<testcase [^>]*[^/]>|<\/testcase>/g)).toHaveLength(2);
  });

  it('runs again when a test changes, and ends at Ctrl-C', { timeout }, async () => {
    const file = join(dir, 'pipelines/cpu-util.test.yaml');
    const before = await readFile(file, 'utf8');
    const { child, said } = startCeilograph(['test', '--watch', '--filter', 'a minute apart'], dir);
    await expect.poll(said, { timeout: 30_000 }).toContain('0 passed, 1 failed');
    await writeFile(file, before.replace('type: gauge, volume: 26,', 'type: gauge, volume: 25,'));
    await expect.poll(said, { timeout: 30_000 }).toContain('1 passed, 0 failed');
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    await ended;
    await writeFile(file, before);
  });

  it('says the same as one JSON object', { timeout }, async () => {
    const { code, stdout } = await ceilograph(['test', '--json'], dir);

    const report = JSON.parse(stdout) as { results: readonly unknown[] };
    expect(report).toMatchObject({ ok: false, passed: 7, failed: 1 });
    expect(report.results[0]).toEqual({
      kind: 'case',
      ok: false,
      sink: 'cpu-util',
      title: 'Two readings a minute apart give the load between them',
      file: 'pipelines/cpu-util.test.yaml',
      line: 2,
      column: 3,
      differences: [{ kind: 'field', item: 1, line: 16, field: 'volume', expected: 26, got: 25 }],
    });
    expect(code).toBe(1);
  });

  it.each([
    ['no test in a folder', ['test', 'examples'], 'examples holds no test'],
    ['no test beside a sink', ['test', 'pipelines/all-meters.yaml'], 'pipelines/all-meters.yaml has no test beside it'],
    ['no such path', ['test', 'nowhere'], 'nowhere: no such file or folder'],
    ['a filter that lets nothing through', ['test', 'pipelines/all-events.yaml', '--filter', 'zzz'], 'no case has "zzz"'],
  ])('exits with 2 when there is %s', { timeout }, async (_title, args, message) => {
    const { code, stdout, stderr } = await ceilograph(args);

    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });
});

it('check passes over the tests that a pattern names, and says so', { timeout }, async () => {
  const { code, stdout } = await ceilograph(['check', 'pipelines/cpu-util.yaml', 'pipelines/cpu-util.test.yaml']);

  expect(stdout).toBe('warning: pipelines/cpu-util.test.yaml is a test of a sink; ceilograph test runs it\n');
  expect(code).toBe(0);
});
