import { describe, expect, it } from 'vitest';
import { loadCeilometer } from '../../../src/config/ceilometer/load-ceilometer.ts';
import { printNativeSink } from '../../../src/config/ceilometer/native-sink.ts';
import { formatNote } from '../../../src/config/ceilometer/note.ts';
import { mapPublisherUrl } from '../../../src/config/ceilometer/publisher-url.ts';
import { escapeSinkName } from '../../../src/config/ceilometer/sink-name.ts';
import { bareSite } from '../../../src/config/ceilometer/site.ts';
import { loadPipelines } from '../../../src/config/load-pipelines.ts';
import type { SinkConfig } from '../../../src/config/sink-config.ts';
import { folderWith, problemsOf } from './fixtures.ts';

const pipeline = `---
sources:
    - name: meter_source
      meters:
          - "*"
      sinks:
          - meter_sink
    - name: cpu_source
      meters: ["cpu"]
      sinks:
          - cpu_sink
          - cpu_delta_sink
    - name: more_source
      meters: ["cpu", "disk.*"]
      sinks: [cpu_delta_sink]
sinks:
    - name: cpu_delta_sink
      transformers:
          - name: "delta"
            parameters:
                target:
                    name: "cpu.delta"
                growth_only: yes
      publishers:
          - file:///var/log/delta?json&max_bytes=1000&backup_count=2
    - name: meter_sink
      publishers:
          - gnocchi://
          - file:///var/log/meters
    - name: cpu_sink
      transformers:
          - name: "rate_of_change"
            parameters:
                target:
                    name: "cpu_util"
                    unit: "%"
                    type: "gauge"
                    max: 100
                    scale: "100.0 / (10**9 * (resource_metadata.cpu_number or 1))"
      publishers:
          - http://collector:8000/samples?timeout=2&batch=false
          - test
`;
const events = `sources: [{ name: event_source, events: ["*"], sinks: [event_sink] }]
sinks: [{ name: event_sink, publishers: ["file:///var/log/events?json"] }]
`;

async function load(files: Readonly<Record<string, string>>, env = {}) {
  const dir = await folderWith(files);
  const loaded = await loadCeilometer(dir, { env });
  return { ...loaded, notes: loaded.notes.map((note) => formatNote(note).replaceAll(`${dir}/`, '')) };
}

describe("Ceilometer's pipelines", () => {
  it('load unchanged, in the order of their sources', async () => {
    const { sinks, skipped } = await load({ 'pipeline.yaml': pipeline, 'event_pipeline.yaml': events });

    expect(skipped).toEqual([]);
    expect(sinks).toMatchObject([
      {
        sink: 'meter_sink',
        from: 'samples',
        sources: [{ name: 'meter_source', match: ['*'] }],
        steps: [],
        publish: [{ kind: 'gnocchi' }, { kind: 'file', parameters: { path: '/var/log/meters', format: 'python' } }],
      },
      {
        sink: 'cpu_delta_sink',
        sources: [
          { name: 'cpu_source', match: ['cpu'] },
          { name: 'more_source', match: ['cpu', 'disk.*'] },
        ],
        partitionBy: ['resource_id'],
        steps: [{ name: 'delta' }],
        publish: [{ kind: 'file', parameters: { path: '/var/log/delta', max_bytes: 1000, backup_count: 2 } }],
        order: { kind: 'arrival' },
        compat: true,
      },
      {
        sink: 'cpu_sink',
        publish: [{ kind: 'http', parameters: { timeout_ms: 2000, format: 'item' } }, { kind: 'stdout' }],
      },
      { sink: 'event_sink', from: 'events', partitionBy: ['event_type'] },
    ]);
  });

  it('say what became of everything that is not as it was', async () => {
    const { notes } = await load({ 'pipeline.yaml': pipeline, 'event_pipeline.yaml': events });

    expect(notes).toEqual(
      expect.arrayContaining([
        expect.stringMatching(
          /^pipeline\.yaml:28 changed: gnocchi:\/\/: neither credentials for Keystone nor CEILOGRAPH_GNOCCHI_URL/,
        ),
        expect.stringMatching(/^pipeline\.yaml:28 changed: gnocchi:\/\/: there is no .*gnocchi_resources\.yaml/),
        expect.stringMatching(/^pipeline\.yaml:41 changed: http:.*tried again until it is taken/),
        'pipeline.yaml:17 took: the sink cpu_delta_sink: delta → file',
        'event_pipeline.yaml:2 took: the sink event_sink: file',
      ]),
    );
  });

  it.each([
    ['sinks are missing', 'sources: []\n', /both sources and sinks are required/],
    [
      'a sink dangles',
      pipeline.replace('sinks: [cpu_delta_sink]', 'sinks: [nowhere]'),
      /:15 .*dangling sink nowhere from source more_source/,
    ],
    ['two sources have one name', pipeline.replace('more_source', 'cpu_source'), /:13 .*duplicated source names: cpu_source/],
    ['two sinks have one name', pipeline.replace('name: cpu_sink', 'name: meter_sink'), /duplicated sink names: meter_sink/],
    [
      'a pipeline comes twice',
      pipeline.replace('sinks: [cpu_delta_sink]', 'sinks: [cpu_delta_sink, cpu_delta_sink]'),
      /duplicate pipeline name: more_source:cpu_delta_sink/,
    ],
    ['patterns do not mix', pipeline.replace('"disk.*"]', '"!disk.*"]'), /:14 .*excludes/],
    ['a transformer is unknown', pipeline.replace('"delta"', '"window"'), /:19 .*no transformer named window loaded/],
    [
      'a transformer has no parameters',
      pipeline.replace(/parameters:\n\s+target:\n\s+name: "cpu.delta"\n\s+growth_only: yes/, 'x: y'),
      /required field parameters not specified/,
    ],
    [
      'a sink has no publishers',
      pipeline.replace('publishers:\n          - gnocchi://\n          - file:///var/log/meters', 'publishers: []'),
      /no publisher specified/,
    ],
    ['a source has no meters', pipeline.replace('      meters: ["cpu"]\n', ''), /required field meters not specified/],
    ['it is not YAML', 'sources: [', /not YAML/],
  ])('are skipped as a whole when %s, and the other file runs', async (_, text, expected) => {
    const { sinks, skipped, notes } = await load({ 'pipeline.yaml': text, 'event_pipeline.yaml': events });

    expect(sinks.map((sink) => sink.sink)).toEqual(['event_sink']);
    expect(skipped).toHaveLength(1);
    expect(notes.find((note) => note.includes('the whole file'))).toMatch(expected);
  });

  it('are refused when neither file can be used', async () => {
    const dir = await folderWith({
      'pipeline.yaml': 'sources: []\n',
      'event_pipeline.yaml': events.replace('file:///var/log/events?json', 'monasca://'),
    });

    const problems = await problemsOf(loadCeilometer(dir, { env: {} }), dir);

    expect(problems[0]).toContain('nothing to run');
    expect(problems.join('\n')).toMatch(
      /both sources and sinks[\s\S]*none of its publishers|none of its publishers[\s\S]*both sources and sinks/,
    );
  });

  it('leave out a sink whose publishers are all missing, loudly', async () => {
    const { sinks, notes } = await load({
      'pipeline.yaml': pipeline.replace('gnocchi://', 'monasca://').replace('          - file:///var/log/meters\n', ''),
    });

    expect(sinks.map((sink) => sink.sink)).toEqual(['cpu_delta_sink', 'cpu_sink']);
    expect(notes).toContainEqual(
      expect.stringMatching(/ignored: the sink meter_sink as a whole: none of its publishers is there/),
    );
  });

  it('take a text for meters character by character, as Ceilometer does', async () => {
    const { sinks, notes } = await load({ 'pipeline.yaml': pipeline.replace('meters: ["cpu"]', 'meters: cpu') });

    expect(sinks.find((sink) => sink.sink === 'cpu_sink')?.sources[0]?.match).toEqual(['c', 'p', 'u']);
    expect(notes).toContainEqual(expect.stringContaining('characters one by one'));
  });

  it('name the parameters that nobody reads, and drop them from the hash', async () => {
    const plain = await load({ 'pipeline.yaml': pipeline });
    const more = await load({
      'pipeline.yaml': pipeline.replace('growth_only: yes', 'growth_only: yes\n                nonsense: 1'),
    });

    expect(more.notes).toContainEqual(expect.stringMatching(/:24 ignored: delta: unknown parameter nonsense is ignored/));
    expect(more.sinks.map((sink) => sink.hash)).toEqual(plain.sinks.map((sink) => sink.hash));
  });

  it('keep both sinks apart when the two files use one name', async () => {
    const { sinks } = await load({
      'pipeline.yaml': pipeline,
      'event_pipeline.yaml': events.replaceAll('event_sink', 'meter_sink'),
    });

    expect(sinks.map((sink) => sink.sink)).toEqual(['meter_sink', 'cpu_delta_sink', 'cpu_sink', 'event-meter_sink']);
  });

  it('bring their definitions', async () => {
    const { definitions } = await load({
      'pipeline.yaml': pipeline,
      'meters.d/b.yaml': '',
      'meters.d/a.yaml': '',
      'event_definitions.yaml': '',
    });

    expect(definitions.meters.map((file) => file.split('/').slice(-2).join('/'))).toEqual(['meters.d/a.yaml', 'meters.d/b.yaml']);
    expect(definitions.events).toHaveLength(1);
  });
});

describe('a publisher URL', () => {
  it.each([
    [
      'notifier://',
      { CEILOGRAPH_TRANSPORT_URL: 'rabbit://u:p@a:5672,u:p@b:5672/v' },
      { kind: 'amqp', value: { url: ['amqp://u:p@a:5672/v', 'amqp://u:p@b:5672/v'] } },
    ],
    ['notifier://h:1/v?topic=alarm.all', {}, { kind: 'amqp', value: { url: 'amqp://h:1/v', topic: 'alarm.all' } }],
    [
      'notifier://h?topic=a&topic=b&per_meter_topic=1',
      {},
      { kind: 'amqp', value: { topic: ['a', 'b'], event_type: 'metering', per_meter_topic: true } },
    ],
    ['udp://[::1]:99', {}, { kind: 'udp', value: { host: '::1', port: 99 } }],
    ['tcp://receiver', {}, { kind: 'tcp', value: { host: 'receiver', port: 4952 } }],
    ['tcp://', {}, { leftOut: expect.stringContaining('no host') }],
    ['prometheus://gw:9091/metrics/job/x', {}, { kind: 'pushgateway', value: { url: 'http://gw:9091/metrics/job/x' } }],
    ['prometheus://gw/metrics/job/x?ssl=true', {}, { kind: 'pushgateway', value: { url: 'https://gw/metrics/job/x' } }],
    ['opentelemetryhttp://c:4318/v1/metrics', {}, { kind: 'otlp', value: { url: 'http://c:4318/v1/metrics' } }],
    ['http://h/x?raw_only=true&batch=no', {}, { kind: 'http', value: { url: 'http://h/x', raw_only: true, format: 'item' } }],
    [
      'gnocchi://?archive_policy=low&timeout=3',
      { CEILOGRAPH_GNOCCHI_URL: 'http://g:8041' },
      { kind: 'gnocchi', value: { url: 'http://g:8041', archive_policy: 'low', timeout_ms: 3000 } },
    ],
    ['zaqar://?queue=q', {}, { refused: expect.stringContaining('zaqar'), hint: expect.stringContaining('redis-stream') }],
    ['notifier', {}, { leftOut: expect.stringContaining('CEILOGRAPH_TRANSPORT_URL') }],
    ['notifier://h?driver=kafka', {}, { leftOut: expect.stringContaining('kafka') }],
    [
      'https://h/x?a=1&verify_ssl=false&clientcert=/c',
      {},
      {
        kind: 'http',
        value: { url: 'https://h/x?a=1', timeout_ms: 5000, tls: { verify: false, cert_file: '/c', key_file: '/c' } },
      },
    ],
    ['http:///x', {}, { leftOut: 'it names no host' }],
    ['file://', {}, { leftOut: 'it names no path' }],
    ['file:///x?max_bytes=a&backup_count=1', {}, { leftOut: 'max_bytes and backup_count should be numbers' }],
    ['file:///x?json&max_bytes=5', {}, { kind: 'file', value: { path: '/x', format: 'ceilometer' } }],
    ['constructor://', {}, { leftOut: expect.stringContaining('no') }],
  ])('%s is mapped', (url, env, expected) => {
    expect(mapPublisherUrl(url, { from: 'samples', env, site: bareSite, dir: '/nowhere' })).toMatchObject(expected);
  });
});

describe('a sink name of Ceilometer', () => {
  it.each([
    ['meter_sink', 'meter_sink'],
    ['CPU sink', '_x43__x50__x55__x20_sink'],
    ['a_x20_b', 'a_x5f_x20_b'],
    ['a b', 'a_x20_b'],
  ])('%s becomes %s', (name, expected) => {
    expect(escapeSinkName(name)).toBe(expected);
  });
});

describe('the native form of a Ceilometer sink', () => {
  it('gives the same hash, steps, partitions and targets when it is loaded', async () => {
    const text = pipeline
      .replace('growth_only: yes', 'growth_only: yes\n                ignored_by_all: 1')
      .replace('max: 100', 'max: 100.0\n                    more: { a: [1] }')
      .replace('file:///var/log/meters', `http://u:pa$\{env:X}@h/?timeout=3`);
    const whole = `${text}    - name: "Whole Thing"
      transformers: [{ name: accumulator, parameters: { size: 3 } }, { name: unit_conversion, parameters: { target: { scale: 1.0 } } }]
      publishers: ["file:///w?json", "file:///w2?json"]
`.replace('sinks: [cpu_delta_sink]\n', 'sinks: [cpu_delta_sink, "Whole Thing"]\n');
    const { sinks, natives } = await load({
      'pipeline.yaml': whole,
      'event_pipeline.yaml': events.replaceAll('event_sink', 'meter_sink'),
    });

    const files = Object.fromEntries(
      [...natives].map(([name, native]) => [`${name}.yaml`, printNativeSink(name, native, ['a remark'])]),
    );
    const again = await loadPipelines(await folderWith(files), { env: {} });

    const facts = (list: readonly SinkConfig[]) =>
      list
        .map(({ sink, hash, partitions, partitionBy, order, publish, sources }) => ({
          sink,
          hash,
          partitions,
          partitionBy,
          order,
          publish,
          match: sources.map((each) => each.match),
        }))
        .sort((a, b) => (a.sink < b.sink ? -1 : 1));
    expect(sinks).toHaveLength(5);
    expect(facts(again)).toEqual(facts(sinks));
    expect(again.find((sink) => sink.sink.startsWith('_x57_'))?.partitions).toBe(1);
  });
});
