import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { printAgentFile } from '../../../src/config/ceilometer/agent-file.ts';
import { loadConf } from '../../../src/config/ceilometer/load-ceilometer.ts';
import { formatNote } from '../../../src/config/ceilometer/note.ts';
import { readOsloFiles } from '../../../src/config/ceilometer/oslo-file.ts';
import { readTransport } from '../../../src/config/ceilometer/transport-url.ts';
import { checkAll } from '../../../src/config/check.ts';
import { loadAgent } from '../../../src/config/load-agent.ts';
import { loadSetup } from '../../../src/config/load-setup.ts';
import { ConfigError, formatProblem } from '../../../src/config/problem.ts';
import { folderWith, problemsOf } from './fixtures.ts';

const files = (text: string) => [{ file: 'ceilometer.conf', text }];
const valuesOf = (text: string) => Object.fromEntries(readOsloFiles(files(text)).values);
const pipeline = 'sources: [{name: s, meters: ["*"], sinks: [k]}]\nsinks: [{name: k, publishers: ["file:///dev/null"]}]\n';
const events = 'sources: [{name: e, events: ["*"], sinks: [k]}]\nsinks: [{name: k, publishers: ["file:///dev/null"]}]\n';
const withConf = (conf: string, more: Readonly<Record<string, string>> = {}) =>
  folderWith({ 'ceilometer.conf': conf, 'pipeline.yaml': pipeline, 'event_pipeline.yaml': events, ...more });
const setup = async (conf: string, env = {}) => loadSetup({ ceilometer: await withConf(conf) }, {}, env);

describe("a file of oslo.config's", () => {
  it('is read with groups, both signs, continued lines, quotes and comments', () => {
    const text = [
      '# not this',
      'top: 1',
      '[a]',
      'x = "quoted = yes"',
      '; nor this',
      'y = one,',
      '    two',
      'y = three',
      '',
      'empty =',
      '',
    ].join('\n');

    expect(valuesOf(text)).toEqual({
      'DEFAULT.top': [{ text: '1', file: 'ceilometer.conf', line: 2 }],
      'a.x': [{ text: 'quoted = yes', file: 'ceilometer.conf', line: 4 }],
      'a.y': [
        { text: 'one,\ntwo', file: 'ceilometer.conf', line: 6 },
        { text: 'three', file: 'ceilometer.conf', line: 8 },
      ],
      'a.empty': [{ text: '', file: 'ceilometer.conf', line: 10 }],
    });
  });

  it('puts other options in place of their names', () => {
    const { values, problems } = readOsloFiles(files(`dir = /x\n[a]\np = $dir/y\nq = $\{a.p}/z\nr = cost $$5\ns = $nothing\n`));

    expect(values.get('a.q')?.at(-1)?.text).toBe('/x/y/z');
    expect(values.get('a.r')?.at(-1)?.text).toBe('cost $5');
    expect(problems.map(formatProblem)).toEqual([expect.stringMatching(/^ceilometer\.conf:6.*\$nothing names no option/)]);
  });

  it.each(['nonsense', '[broken', '  indented', '= 5'])('refuses the line "%s"', (line) => {
    expect(readOsloFiles(files(`${line}\n`)).problems).toHaveLength(1);
  });
});

describe('a transport URL', () => {
  it.each([
    ['rabbit://u:p@a:1,u:p@b:2/v', ['amqp://u:p@a:1/v', 'amqp://u:p@b:2/v']],
    ['rabbit://u:p@a:1//', ['amqp://u:p@a:1/%2F']],
    ['rabbit://u:p@a:1/', ['amqp://u:p@a:1/']],
    ['rabbit://u:p@a:1/%2Fprod?ssl=1', ['amqps://u:p@a:1/%2Fprod']],
    ['rabbit://', ['amqp://guest:guest@localhost:5672/']],
  ])('%s is %j', (url, urls) => {
    expect(readTransport(url)).toEqual({ urls });
  });

  it('of another driver is refused', () => {
    expect(readTransport('kafka://h')).toEqual({ refused: expect.stringContaining('kafka://') });
  });
});

describe('ceilometer.conf', () => {
  it('gives an agent what a notification agent takes from it', async () => {
    const { config } = await setup(
      [
        '[DEFAULT]',
        'transport_url = rabbit://u:p@one:5672,u:p@two:5672/v',
        'debug = true',
        'sample_source = site-a',
        '[notification]',
        'workers = 3',
        'ack_on_event_error = false',
        'notification_control_exchanges = nova',
        'notification_control_exchanges = cinder',
        '[oslo_messaging_notifications]',
        'topics = notifications, versioned_notifications',
        '[oslo_messaging_rabbit]',
        'rabbit_quorum_queue = true',
        'rabbit_quorum_delivery_limit = 5',
        'heartbeat_timeout_threshold = 30',
        'ssl = true',
        'ssl_ca_file = /etc/ssl/ca.pem',
        '[event]',
        'store_raw = INFO',
        'store_raw = error',
        'drop_unmatched_notifications = yes',
        '[publisher]',
        'telemetry_secret = very secret',
      ].join('\n'),
    );

    expect(config).toMatchObject({
      inputs: [
        {
          kind: 'amqp',
          parameters: {
            url: ['amqps://u:p@one:5672/v', 'amqps://u:p@two:5672/v'],
            exchanges: ['nova', 'cinder'],
            topics: ['notifications', 'versioned_notifications'],
            durable: true,
            quorum: true,
            queue_arguments: { 'x-delivery-limit': 5 },
            heartbeat_s: 30,
            tls: { ca_file: '/etc/ssl/ca.pem' },
          },
        },
      ],
      agent: { workers: 3 },
      log: { level: 'debug' },
      conversion: {
        ackOnEventError: false,
        dropUnmatchedNotifications: true,
        storeRaw: ['info', 'error'],
        sampleSource: 'site-a',
      },
      telemetrySecret: 'very secret',
      coordination: { kind: 'off' },
    });
  });

  it('is under the agent file, which is under the environment', async () => {
    const dir = await withConf('[notification]\nworkers = 3\n[DEFAULT]\ndebug = true\n[publisher]\ntelemetry_secret = theirs\n', {
      'agent.yaml': 'agent: { workers: 2 }\n',
    });

    const { config, origins } = await loadSetup(
      { ceilometer: dir, config: join(dir, 'agent.yaml') },
      {},
      { CEILOGRAPH_LOG_LEVEL: 'warn' },
    );

    expect([config.agent.workers, config.log.level, config.telemetrySecret]).toEqual([2, 'warn', 'theirs']);
    expect(origins.get('telemetry_secret')).toMatch(/ceilometer\.conf:6$/);
  });

  it('has an input for each messaging URL', async () => {
    const { config } = await setup('[notification]\nmessaging_urls = rabbit://a\nmessaging_urls = rabbit://b\n');

    expect(config.inputs.map(({ name, parameters }) => [name, (parameters as { url: string }).url])).toEqual([
      ['amqp', 'amqp://a/'],
      ['amqp-2', 'amqp://b/'],
    ]);
  });

  it('is merged with the files beside it that oslo.config reads', async () => {
    const dir = await withConf('[notification]\nworkers = 3\n', { 'ceilometer.conf.d/10.conf': '[notification]\nworkers = 4\n' });

    expect((await loadSetup({ ceilometer: dir }, {}, {})).config.agent.workers).toBe(4);
  });

  it('says of every option that is set what became of it', async () => {
    const dir = await withConf(
      '[DEFAULT]\ntransport_url = rabbit://u:hidden@h/\nlog_dir = /x\nodd = 1\n[notification]\nbatch_size = 5\n[polling]\nbatch_size = 1\n[service_credentials]\npassword = hidden\n',
    );

    const conf = await loadConf(dir);
    const notes = (conf?.notes ?? []).map(formatNote).map((note) => note.replaceAll(`${dir}/`, ''));

    expect(notes).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^ceilometer\.conf:2 took: transport_url: the broker amqp:\/\/\*\*\*@h/),
        expect.stringMatching(/^ceilometer\.conf:3 ignored: DEFAULT\.log_dir: logs are JSON/),
        expect.stringMatching(/^ceilometer\.conf:4 ignored: DEFAULT\.odd: no option/),
        expect.stringMatching(/^ceilometer\.conf:6 ignored: notification\.batch_size/),
        expect.stringMatching(/^ceilometer\.conf:8 ignored: polling\.batch_size/),
        expect.stringMatching(/^ceilometer\.conf:10 took: service_credentials\.password/),
      ]),
    );
    expect(notes.join()).not.toContain('hidden');
  });

  it('tells all that it has wrong, with file and line', async () => {
    const dir = await withConf(
      '[notification]\nworkers = many\nack_on_event_error = maybe\n[DEFAULT]\ntransport_url = kafka://h\n',
    );

    const problems = await problemsOf(loadSetup({ ceilometer: dir }, {}, {}), dir);

    expect(problems).toEqual([
      expect.stringMatching(/^ceilometer\.conf:5.*kafka:\/\/ is not offered/),
      expect.stringMatching(/^ceilometer\.conf:3.*expected true or false, not maybe/),
      expect.stringMatching(/^ceilometer\.conf:2.*expected a whole number from 1, not many/),
    ]);
  });
});

describe('coordination in ceilometer.conf', () => {
  it.each([
    'zookeeper://h',
    'memcached://h',
    'etcd://h',
    'etcd3+http://h',
    'mysql://h/db',
    'file:///var/lib/x',
    'kazoo://h',
  ])('%s is refused by check and agent, with the remedy', async (url) => {
    const dir = await withConf(`[coordination]\nbackend_url = ${url}\n`);

    const { problems } = await checkAll([dir], null, {});

    expect(problems.map(formatProblem)).toEqual([
      expect.stringMatching(/ceilometer\.conf:2.*cannot share their work through .*redis:\/\/.*CEILOGRAPH_COORDINATION=off/s),
    ]);
    await expect(loadSetup({ ceilometer: dir }, {}, {})).rejects.toThrow(ConfigError);
    await expect(loadSetup({ ceilometer: dir }, {}, { CEILOGRAPH_COORDINATION: 'off' })).resolves.toBeDefined();
  });

  it('over Redis wants the keys, and says how they are made', async () => {
    const dir = await withConf('[coordination]\nbackend_url = redis://h:6379?db=3\n');

    const [problem] = await problemsOf(loadSetup({ ceilometer: dir }, {}, {}), dir);

    expect(problem).toMatch(/ceilograph-keys\.yaml is not there.*openssl rand -hex 32/s);
  });

  it('over Redis is our own, with the internal topics on the broker', async () => {
    const dir = await withConf(
      '[DEFAULT]\ntransport_url = rabbit://u:p@h/v\n[notification]\nworkload_partitioning = true\npipeline_processing_queues = 5\n[coordination]\nbackend_url = redis://:pw@r:6379?db=3&ssl=true\n',
      { 'ceilograph-keys.yaml': `active: k1\nkeys: { k1: ${'a'.repeat(64)} }\n` },
    );

    const { config } = await loadSetup({ ceilometer: dir }, {}, {});

    expect(config.coordination).toMatchObject({
      kind: 'redis',
      redis: { url: 'rediss://:pw@r:6379/3' },
      topics: { kind: 'amqp', urls: ['amqp://u:p@h/v'] },
      keysFile: join(dir, 'ceilograph-keys.yaml'),
    });
    expect((await loadSetup({ ceilometer: dir }, {}, { CEILOGRAPH_COORDINATION: 'off' })).config.coordination.kind).toBe('off');
  });

  it('without a backend is refused where partitioning is asked for', async () => {
    const dir = await withConf('[notification]\nworkload_partitioning = true\n');

    expect(await problemsOf(loadSetup({ ceilometer: dir }, {}, {}), dir)).toEqual([
      expect.stringMatching(/workload_partitioning without \[coordination\] backend_url/),
    ]);
  });
});

describe("a folder of Ceilometer's", () => {
  it('starts as the Debian packages leave it: no pipelines, everything commented out but one option', async () => {
    const dir = await folderWith({
      'ceilometer.conf':
        '[DEFAULT]\n#transport_url = rabbit://\n\n[oslo_concurrency]\n#disable_process_locking = false\nlock_path = /var/lock/ceilometer\n',
      'polling.yaml': 'sources: [{ name: some_pollsters, interval: 300, meters: [cpu] }]\n',
      'gnocchi_resources.yaml':
        'archive_policy_default: ceilometer-low\nresources:\n  - resource_type: instance\n    metrics: { cpu: }\n',
    });

    const { sinks, config, notes } = await loadSetup({ ceilometer: dir }, {}, {});

    expect(sinks).toMatchObject([
      { sink: 'meter_sink', publish: [{ kind: 'gnocchi', parameters: { resources_file: join(dir, 'gnocchi_resources.yaml') } }] },
      { sink: 'event_sink', publish: [{ kind: 'amqp', parameters: { topic: 'event', event_type: 'event' } }] },
    ]);
    expect(config.inputs).toMatchObject([{ parameters: { url: 'amqp://guest:guest@localhost:5672/' } }]);
    expect(config.telemetrySecret).toBe('change this for valid signing');
    expect(notes.join('\n')).toMatch(/pipeline\.yaml:1 took: not there: all samples go to gnocchi:\/\//);
    expect((await checkAll([dir], null, {})).problems).toEqual([]);
  });

  it('with zaqar:// is refused by check and agent, with the remedy', async () => {
    const dir = await withConf('', {
      'pipeline.yaml': pipeline.replace('file:///dev/null', 'zaqar://?queue=x", "file:///dev/null'),
    });

    const { problems } = await checkAll([dir], null, {});

    expect(problems.map(formatProblem)).toEqual([
      expect.stringMatching(/pipeline\.yaml:2.*zaqar:\/\/ is not offered.*notifier:\/\//s),
    ]);
    await expect(loadSetup({ ceilometer: dir }, {}, {})).rejects.toThrow('zaqar');
  });

  it('gives an agent file that says the same', async () => {
    const dir = await withConf(
      '[DEFAULT]\ntransport_url = rabbit://u:p@h/v\n[notification]\nworkers = 2\n[event]\nstore_raw = error\n',
    );
    const conf = await loadConf(dir);
    await mkdir(join(dir, 'native'));
    const file = join(dir, 'native/agent.yaml');
    await writeFile(file, printAgentFile(conf?.settings ?? [], { meters: [], events: [] }));

    const native = await loadAgent(file, {});
    const { config } = await loadSetup({ ceilometer: dir }, {}, {});

    const said = ({ inputs, agent, conversion, telemetrySecret }: typeof native) => ({
      inputs,
      agent,
      conversion,
      telemetrySecret,
    });
    expect(said(native)).toEqual(said(config));
  });
});
