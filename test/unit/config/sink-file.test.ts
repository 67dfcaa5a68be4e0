import { describe, expect, it } from 'vitest';
import { loadPipelines } from '../../../src/config/load-pipelines.ts';
import { folderWith, problemsOf } from './fixtures.ts';

const cpuUtil = `sink: cpu-util
from: samples
match: [cpu]
partition_by: [resource_id]
partitions: 8
transform:
  - rate_of_change:
      target: { name: cpu_util, unit: "%", type: gauge, scale: "100.0 / (10**9 * (resource_metadata.cpu_number or 1))" }
publish:
  - file: { path: out/cpu-util.jsonl, on_full: spill, batch: { max_items: 10 } }
`;

async function faultsOf(text: string): Promise<string[]> {
  const dir = await folderWith({ 'a.yaml': text });
  return await problemsOf(loadPipelines(dir, { env: {} }), dir);
}

describe('a sink file', () => {
  it('gives a complete sink: defaults filled in, parameters parsed', async () => {
    const dir = await folderWith({ 'cpu-util.yaml': cpuUtil });

    const [sink] = await loadPipelines(dir, { env: {} });

    expect(sink).toMatchObject({
      sink: 'cpu-util',
      from: 'samples',
      sources: [{ name: 'cpu-util', match: ['cpu'] }],
      partitionBy: ['resource_id'],
      partitions: 8,
      steps: [{ name: 'rate_of_change' }],
      publish: [
        {
          kind: 'file',
          name: 'file',
          parameters: { path: 'out/cpu-util.jsonl', sync: 'batch' },
          onFull: 'spill',
          maxOutboxBytes: 64 * 1024 * 1024,
          batch: { maxItems: 10 },
        },
      ],
      order: { kind: 'arrival' },
      direct: 'auto',
      record: null,
      compat: false,
      origin: `${dir}/cpu-util.yaml:1`,
    });
  });

  it('partitions samples by resource and events by type when it does not say', async () => {
    const dir = await folderWith({
      'a.yaml': 'sink: a\nfrom: samples\nmatch: ["*"]\npublish: [stdout]\n',
      'b.yaml': 'sink: b\nfrom: events\nmatch: ["*"]\npublish: [stdout]\n',
    });

    const sinks = await loadPipelines(dir, { env: {} });

    expect(sinks.map((sink) => [sink.sink, sink.partitionBy])).toEqual([
      ['a', ['resource_id']],
      ['b', ['event_type']],
    ]);
  });

  it.each([
    [
      'an unknown key',
      cpuUtil.replace('partition_by', 'partitionby'),
      ['a.yaml:4:1 partitionby: unknown key "partitionby"; did you mean "partition_by"?'],
    ],
    [
      'a wrong type',
      cpuUtil.replace('partitions: 8', 'partitions: many'),
      ['a.yaml:5:13 partitions: the text "many", expected a number'],
    ],
    [
      'a number out of range',
      cpuUtil.replace('partitions: 8', 'partitions: 0'),
      [expect.stringMatching(/^a\.yaml:5:13 partitions: too small: expected .* >=1$/)],
    ],
    [
      'a word that is none of the choices',
      cpuUtil.replace('from: samples', 'from: sample'),
      ['a.yaml:2:7 from: the text "sample", expected samples or events; did you mean "samples"?'],
    ],
    [
      'an unknown transformer',
      cpuUtil.replace('rate_of_change', 'rate_of_chnage'),
      ['a.yaml:7:5 transform.0.rate_of_chnage: there is no transformer "rate_of_chnage"; did you mean "rate_of_change"?'],
    ],
    [
      'an unknown publisher',
      cpuUtil.replace('- file:', '- flie:'),
      ['a.yaml:10:5 publish.0.flie: there is no publisher "flie"; did you mean "file"?'],
    ],
    [
      "an unknown key among a transformer's parameters",
      cpuUtil.replace('unit:', 'unti:'),
      ['a.yaml:8:33 transform.0.rate_of_change.target.unti: unknown key "unti"; did you mean "unit"?'],
    ],
    [
      "an unknown key among a publisher's parameters",
      cpuUtil.replace('on_full', 'onfull'),
      ['a.yaml:10:39 publish.0.file.onfull: unknown key "onfull"; did you mean "on_full"?'],
    ],
    [
      'an expression that does not parse',
      cpuUtil.replace('or 1))', 'or 1)'),
      [expect.stringMatching(/^a\.yaml:8:64 transform\.0\.rate_of_change\.target\.scale: /)],
    ],
    ['a missing key', cpuUtil.replace('from: samples\n', ''), ['a.yaml:1:1 from: missing, expected samples or events']],
    [
      'no match',
      cpuUtil.replace('match: [cpu]\n', ''),
      ['a.yaml:1:1 match: missing, expected a list of names; for everything: `match: ["*"]`'],
    ],
    ['patterns that do not mix', cpuUtil.replace('[cpu]', '[cpu, "!disk.*"]'), [expect.stringMatching(/^a\.yaml:3:8 match: /)]],
    ['a text for match', cpuUtil.replace('[cpu]', 'cpu'), ['a.yaml:3:8 match: the text "cpu", expected a list']],
    [
      'an attribute that items do not have',
      cpuUtil.replace('[resource_id]', '[resource]'),
      [expect.stringMatching(/^a\.yaml:4:16 partition_by\.0: samples have no "resource"; there is: resource_id, /)],
    ],
    [
      'a bad name',
      cpuUtil.replace('sink: cpu-util', 'sink: ../x'),
      [expect.stringMatching(/^a\.yaml:1:7 sink: expected a name of lower-case letters/)],
    ],
    [
      'two transformers in one entry',
      cpuUtil.replace('- rate_of_change:\n      target', '- rate_of_change: {}\n    target'),
      ['a.yaml:8:5 transform.0.target: unknown key "target"; indent it to make it a parameter of rate_of_change'],
    ],
    [
      'two publishers of one name',
      `${cpuUtil}  - file: { path: b }\n`,
      ['a.yaml:11:5 publish.1.file: two publishers are called "file" (the other is publish.0); give one of them another `name`'],
    ],
    [
      'direct with state',
      `${cpuUtil}direct: true\n`,
      ['a.yaml:11:9 direct: rate_of_change keeps state, so this sink needs its topic; leave `direct` out'],
    ],
    [
      'a transformer of the other kind',
      cpuUtil.replace('samples', 'events').replace('resource_id', 'event_type'),
      [
        'a.yaml:7:5 transform.0: rate_of_change takes samples, and this sink gives events',
        expect.stringContaining('partition_by has event_type, which is not in the key of rate_of_change'),
      ],
    ],
  ])('with %s is refused with place and hint', async (_, text, expected) => {
    expect(await faultsOf(text)).toEqual(expected);
  });

  it('whose partition_by is not part of the key of a transformer with state is refused at that line', async () => {
    expect(await faultsOf(cpuUtil.replace('[resource_id]', '[project_id]'))).toEqual([
      'a.yaml:4:15 partition_by: partition_by has project_id, which is not in the key of rate_of_change, expected a part of [name, resource_id]; write `partition_by: [name, resource_id]` or some of these',
    ]);
  });

  it('tells all problems of all files at once, doubled names included', async () => {
    const dir = await folderWith({
      'a.yaml': 'sink: a\nfrom: sample\nmatch: []\npublish: [{ fil: {} }]\n',
      'b.yaml': 'sink: a\nfrom: events\nmatch: ["*"]\npublish: [stdout]\n',
      'c.yml': 'sink: [\n',
      'ignored.test.yaml': 'not a sink',
      'ignored.txt': 'not a sink',
    });

    const problems = await problemsOf(loadPipelines(dir, { env: {} }), dir);

    expect(problems).toEqual([
      expect.stringMatching(/^a\.yaml:2:7 from: /),
      expect.stringMatching(/^a\.yaml:3:8 match: too small/),
      expect.stringMatching(/^a\.yaml:4:13 publish\.0\.fil: there is no publisher "fil"; did you mean "file"\?$/),
      'b.yaml:1:7 sink: the sink "a" is also in a.yaml:1; names are unique over all files',
      expect.stringMatching(/^c\.yml:\d:\d not YAML: /),
    ]);
  });

  it('takes secrets from the environment and from files, and says which are missing', async () => {
    const http = (url: string) => `sink: a\nfrom: samples\nmatch: ["*"]\npublish:\n  - http: { url: "${url}" }\n`;
    const dir = await folderWith({ 'a.yaml': http(`https://u:$\{env:PW}@h/x`), 'pw.txt': 'geheim\n' });
    const secrets = new Set<string>();

    const [sink] = await loadPipelines(dir, { env: { PW_FILE: `${dir}/pw.txt` }, secrets });
    const missing = await problemsOf(loadPipelines(dir, { env: {} }), dir);
    const both = await problemsOf(loadPipelines(dir, { env: { PW: 'a', PW_FILE: 'b' } }), dir);

    expect(sink?.publish[0]?.parameters).toMatchObject({ url: 'https://u:geheim@h/x' });
    expect([...secrets]).toEqual(['geheim']);
    expect(missing).toContain('a.yaml:5:18 publish.0.http.url: the environment has neither PW nor PW_FILE');
    expect(both).toContain('a.yaml:5:18 publish.0.http.url: both PW and PW_FILE are set, expected one of them');
  });
});

describe('the hash of a sink', () => {
  const hashOf = async (text: string) => (await loadPipelines(await folderWith({ 'a.yaml': text }), { env: {} }))[0]?.hash;

  it('stays when comments, order of keys, or addresses of targets change', async () => {
    const original = await hashOf(cpuUtil);

    expect(await hashOf(`# a comment\n${cpuUtil}`)).toBe(original);
    expect(await hashOf(cpuUtil.replace('name: cpu_util, unit: "%"', 'unit: "%", name: cpu_util'))).toBe(original);
    expect(await hashOf(cpuUtil.replace('out/cpu-util.jsonl', 'elsewhere.jsonl'))).toBe(original);
  });

  it.each([
    ['match', cpuUtil.replace('[cpu]', '[cpu, vcpus]')],
    ['partitions', cpuUtil.replace('partitions: 8', 'partitions: 9')],
    ['a parameter', cpuUtil.replace('10**9', '10**6')],
    ['the type of a number', cpuUtil.replace(/scale: "[^"]*"/, 'scale: 2.0')],
    ['the name of a target', cpuUtil.replace('on_full', 'name: x, on_full')],
    ['the order', `${cpuUtil}order: event\n`],
  ])('changes with %s', async (_, text) => {
    expect(await hashOf(text)).not.toBe(await hashOf(cpuUtil));
    expect(await hashOf(cpuUtil.replace(/scale: "[^"]*"/, 'scale: 2'))).not.toBe(
      await hashOf(cpuUtil.replace(/scale: "[^"]*"/, 'scale: 2.0')),
    );
  });
});

describe('the order of a sink', () => {
  it('is by event time for what depends on it, also for the six of Ceilometer where several agents listen', async () => {
    const dir = await folderWith({ 'cpu-util.yaml': cpuUtil });

    const [alone] = await loadPipelines(dir, { env: {} });
    const [together] = await loadPipelines(dir, { env: {}, coordinated: true });

    expect(alone?.order).toEqual({ kind: 'arrival' });
    expect(together?.order).toEqual({ kind: 'event', latenessMs: 5000 });
  });
});
