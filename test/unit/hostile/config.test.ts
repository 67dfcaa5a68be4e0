import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkAll } from '../../../src/config/check.ts';
import { formatProblem } from '../../../src/config/problem.ts';

// Whatever stands in a configuration file: problems that name file, line and column, within seconds, and never anything thrown.

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ceilograph-hostile-config-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

async function check(files: Readonly<Record<string, string | Uint8Array>>, path: string): Promise<readonly string[]> {
  const folder = await folderWith(files);
  const before = process.cpuUsage();
  const { problems } = await checkAll([join(folder, path)], null, {});
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000, 'ms of CPU').toBeLessThan(10_000);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  return problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''));
}

const laughs = Array.from({ length: 40 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`);
const bomb = ['l0: &l0 [lol]', ...laughs].join('\n');
const mappingBomb = [
  'l0: &l0 { a: b }',
  ...Array.from({ length: 40 }, (_, i) => `l${i + 1}: &l${i + 1} { a: *l${i}, b: *l${i}, c: *l${i} }`),
].join('\n');
const mergeBomb = [
  'l0: &l0 { a: b }',
  ...Array.from({ length: 30 }, (_, i) => `l${i + 1}: &l${i + 1} { <<: [*l${i}, *l${i}], k${i}: *l${i} }`),
].join('\n');

/** Hostile whatever kind of file it is meant to be. */
const texts: Readonly<Record<string, string | Uint8Array>> = {
  'a billion laughs': bomb,
  'a billion laughs of mappings': mappingBomb,
  'a billion laughs of merges': mergeBomb,
  'an anchor around itself': 'a: &a\n  b: *a\n',
  'two anchors around each other': 'a: &a { b: *b }\nb: &b { a: *a }\n',
  'a key twice': 'a: 1\na: 2\n',
  'a key __proto__': 'sink: x\n__proto__: { polluted: true }\n',
  'a quoted key __proto__': '"__proto__": { polluted: true }\n',
  'a merged key __proto__': 'a: { <<: { __proto__: { polluted: true } } }\n',
  'a tag of Python': 'a: !!python/object/apply:os.system ["id"]\n',
  'a tag of JavaScript': 'a: !!js/function "x"\n',
  'a tag of its own': '%TAG ! tag:example.org,2000:\n---\na: !thing x\n',
  'a binary': 'a: !!binary aGk=\n',
  'a set': 'a: !!set { b, c }\n',
  '2 MiB': `a: "${'x'.repeat(2 * 1024 * 1024)}"\n`,
  '1,000 levels': `a: ${'['.repeat(1_000)}${']'.repeat(1_000)}\n`,
  '100,000 levels of blocks': '- '.repeat(100_000),
  '1,000 levels by indentation': Array.from({ length: 1_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  'tabs for indentation': 'a:\n\tb: 1\n',
  'UTF-16': new Uint8Array(Buffer.from('\ufeffsink: x\n', 'utf16le')),
  'bad UTF-8': Uint8Array.of(0x61, 0x3a, 0x20, 0xff, 0x0a),
  'NUL bytes': new Uint8Array(1_000),
  'two documents': 'a: 1\n---\na: 2\n',
  'an open quote': 'a: "b\n',
  'an open list': 'a: [b\n',
  'keys that are no texts': '{ [a]: 1, { b: 1 }: 2, ? : 3 }\n',
  'a text alone': 'hello\n',
  'a number alone': '5\n',
  nothing: '',
  'a hundred thousand keys': Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join('\n'),
};
/** What each kind of file is called, and with what it must begin to be taken for one. */
const kinds: Readonly<Record<string, { readonly path: string; readonly head: string }>> = {
  sink: { path: 's.yaml', head: 'sink: x\n' },
  agent: { path: 'agent.yaml', head: '' },
  meters: { path: 'meters.yaml', head: 'metric: []\n' },
  events: { path: 'events.yaml', head: '- event_type: x\n' },
};

describe.each(Object.entries(kinds))('a file of the kind %s', (_kind, { path, head }) => {
  it.each(Object.entries(texts))('with %s is refused with its place', async (title, content) => {
    const whole = typeof content === 'string' && !content.startsWith('%') && path !== 'events.yaml' ? head + content : content;

    const problems = await check({ [path]: whole }, path);

    // A sink or an agent file with nothing in it, and definitions without any, have another word to say.
    if (!(title === 'nothing' && path !== 'events.yaml')) expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expect(problem).toMatch(/^(?:[a-z]+\.yaml|pipelines):\d+:\d+ \S/);
    // Nobody reads more, and no line of a terminal takes more.
    for (const problem of problems) expect(problem.length).toBeLessThan(2_000);
  });
});

describe("a folder of Ceilometer's files", () => {
  it.each(Object.entries(texts))('with %s is refused or read, with places', async (_title, content) => {
    const pipeline = 'sources: [{ name: s, meters: ["*"], sinks: [k] }]\nsinks: [{ name: k, publishers: ["file:///x?json"] }]\n';

    const problems = await check({ 'theirs/pipeline.yaml': pipeline, 'theirs/event_pipeline.yaml': content }, 'theirs');

    for (const problem of problems) expect(problem).toMatch(/^theirs\/[a-z_]+\.yaml:\d+:\d+ \S/);
  });
});

const sink = (more: string) => `sink: s\nfrom: samples\nmatch: ["*"]\npublish: [stdout]\n${more}`;

describe('a sink file', () => {
  it.each([
    ['a byte order mark', `\ufeff${sink('')}`],
    ['the line ends of Windows', sink('').replaceAll('\n', '\r\n')],
    ['both, and comments in many letters', `\ufeff# Ünïcödé 😀\r\n${sink('').replaceAll('\n', '\r\n')}`],
  ])('may have %s', async (_title, text) => {
    expect(await check({ 's.yaml': text }, 's.yaml')).toEqual([]);
  });

  it.each([
    ['10^5 nested parentheses', `${'('.repeat(100_000)}1${')'.repeat(100_000)}`, /at most 4096 characters/],
    [
      '2,000 nested parentheses',
      `${'('.repeat(2_000)}1${')'.repeat(2_000)}`,
      /nested more than 64 levels deep|at most 1024 parts/,
    ],
    ['2,000 nested lists', `${'['.repeat(2_000)}1`, /nested more than 64 levels deep|at most 1024 parts/],
    ['2,000 signs', `${'-'.repeat(2_000)}1`, /nested more than 64 levels deep|at most 1024 parts/],
    ['a thousand powers', `1${'**1'.repeat(1_000)}`, /at most 1024 parts/],
    ['an attribute chain of 2,000', `a${'.a'.repeat(2_000)}`, /at most 1024 parts/],
    ['a thousand conditions', `1${' if 1 else 1'.repeat(300)}`, /nested more than 64 levels deep|at most 1024 parts/],
    ['a call', '__import__("os").system("id")', /functions cannot be called/],
    ['a lambda', '(lambda: 1)()', /unexpected "lambda"/],
    ['an open text', '"abc', /closing quote/],
    ['NUL', '1 \u0000 2', /unexpected "\\u0000"/],
    ['a statement', 'import os', /unexpected "import"/],
    ['an assignment', 'a = 1', /unexpected/],
    ['nothing', '', /characters|empty|too small/],
  ])('is told where its expression is wrong: %s', async (_title, where, message) => {
    const problems = await check({ 's.yaml': sink(`transform:\n  - filter: { where: ${JSON.stringify(where)} }\n`) }, 's.yaml');

    expect(problems[0]).toMatch(/^s\.yaml:6:\d+ transform\.0\.filter\.where: /);
    expect(problems[0]).toMatch(message);
  });

  it.each([
    '10'.padEnd(5_000, '0'),
    '.inf',
    '.nan',
    '{ a: 1 }',
    '[1]',
    'true',
    '~',
    '2026-01-01',
    '1e400',
  ])('with the scale %s is read or refused with its place, natively and as Ceilometer', async (scale) => {
    const step = `unit_conversion: { target: { scale: ${scale}, max: ${scale} } }`;
    const theirs = `sources: [{ name: s, meters: ["*"], sinks: [k] }]
sinks:
  - name: k
    publishers: ["file:///x?json"]
    transformers: [{ name: unit_conversion, parameters: { target: { scale: ${scale}, max: ${scale} } } }]
`;

    const native = await check({ 's.yaml': sink(`transform: [{ ${step} }]\n`) }, 's.yaml');
    const compat = await check({ 'theirs/pipeline.yaml': theirs }, 'theirs');

    for (const problem of native) expect(problem).toMatch(/^s\.yaml:5:\d+ /);
    for (const problem of compat) expect(problem).toMatch(/^theirs\/pipeline\.yaml:\d+:\d+ /);
  });

  it.each([
    '(',
    '[a',
    '*',
    '(?P<1>a)',
    'a{3,2}',
    '\\',
    '(?Z)',
    `${'('.repeat(10_000)}a${')'.repeat(10_000)}`,
    'a{60000}{60000}',
  ])('with the pattern %s in map_from says so', async (pattern) => {
    const from = `source: { map_from: { name: ${JSON.stringify(pattern)} } }`;
    const step = `  - unit_conversion: { ${from}, target: { map_to: { name: x } } }\n`;

    const problems = await check({ 's.yaml': sink(`transform:\n${step}`) }, 's.yaml');

    expect(problems.length).toBeLessThanOrEqual(1);
    for (const problem of problems) expect(problem).toMatch(/^s\.yaml:6:\d+ transform\.0\.unit_conversion/);
  });

  it.each([
    ['match', 'match: ["[", "!a", "*"]'],
    ['match', 'match: [{ a: 1 }]'],
    ['match', 'match: []'],
    ['partitions', 'partitions: 1e9'],
    ['partitions', 'partitions: -1'],
    ['partition_by', 'partition_by: [__proto__]'],
    ['transform', 'transform: [constructor]'],
    ['transform', 'transform: [{ toString: {} }]'],
    ['transform', 'transform: { a: 1 }'],
    ['publish', 'publish: [hasOwnProperty]'],
    ['publish', 'publish: [{ file: { path: [1] } }]'],
    ['sink', 'sink: ../../etc/passwd'],
    ['sink', 'sink: "a.*.#"'],
    ['sink', `sink: ${'x'.repeat(100_000)}`],
    ['record', 'record: { a: 1 }'],
    ['order', 'order: { event: { lateness: -1 } }'],
  ])('names %s and its line for %s', async (field, line) => {
    const lines = sink('')
      .split('\n')
      .filter((other) => !other.startsWith(`${field}:`));

    const problems = await check({ 's.yaml': `${lines.join('\n')}${line}\n` }, 's.yaml');

    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expect(problem).toMatch(new RegExp(`^s\\.yaml:[45]:\\d+ (${field}|unknown|names are)`));
    for (const problem of problems) expect(problem.length).toBeLessThan(2_000);
  });
});
