import { describe, expect, it } from 'vitest';
import { loadAgent, loadAgentWithOrigins } from '../../../src/config/load-agent.ts';
import { folderWith, problemsOf } from './fixtures.ts';

describe('the agent file', () => {
  it('may be absent: everything has a default', async () => {
    const agent = await loadAgent(null, {});

    expect(agent).toMatchObject({
      cluster: 'ceilograph',
      dataDir: `${process.cwd()}/var`,
      coordination: { kind: 'off' },
      inputs: [],
      pipelinesDir: `${process.cwd()}/pipelines`,
      definitions: { meters: [], events: [] },
      admin: { listen: null, tokenFile: null },
      timing: { lingerMs: 50, leaseTtlMs: 10_000, renewMs: 3000 },
      telemetrySecret: null,
      origin: null,
    });
  });

  it('yields to the environment, and that to flags; each says where it came from', async () => {
    const dir = await folderWith({ 'agent.yaml': 'cluster: one\nlog: { level: debug }\nagent:\n  workers: 2\nadmin:\n' });
    const env = { CEILOGRAPH_LOG_LEVEL: 'warn', CEILOGRAPH_AGENT_WORKERS: '3', CEILOGRAPH_DEFINITIONS_METERS: 'a.yaml, /b.yaml' };

    const { config, origins } = await loadAgentWithOrigins(`${dir}/agent.yaml`, env, {
      'agent.workers': 4,
      'agent.static_id': undefined,
    });

    expect(config).toMatchObject({ cluster: 'one', log: { level: 'warn' }, agent: { workers: 4, staticId: null } });
    expect(config.definitions.meters).toEqual([`${process.cwd()}/a.yaml`, '/b.yaml']);
    expect(config.dataDir).toBe(`${dir}/var`);
    expect(Object.fromEntries(origins)).toMatchObject({
      cluster: `${dir}/agent.yaml:1`,
      'log.level': 'CEILOGRAPH_LOG_LEVEL',
      'agent.workers': 'flag',
      'agent.static_id': 'default',
      'admin.listen': 'default',
    });
  });

  it('names its inputs and fills in their defaults', async () => {
    const dir = await folderWith({
      'agent.yaml': 'inputs:\n  - amqp: { url: "amqp://h" }\n  - http: { name: web, port: 1234 }\n',
    });

    const { inputs } = await loadAgent(`${dir}/agent.yaml`, {});

    expect(inputs).toMatchObject([
      { kind: 'amqp', name: 'amqp', parameters: { topics: ['notifications'] } },
      { kind: 'http', name: 'web', parameters: { port: 1234, host: '127.0.0.1' } },
    ]);
  });

  it('takes the telemetry secret from a variable, a file named by one, or a file named in it', async () => {
    const dir = await folderWith({
      'agent.yaml': 'telemetry_secret_file: secret.txt\n',
      'secret.txt': 'in file\n',
      'other.txt': 'in other',
    });
    const file = `${dir}/agent.yaml`;

    expect((await loadAgent(file, {})).telemetrySecret).toBe('in file');
    expect((await loadAgent(file, { CEILOGRAPH_TELEMETRY_SECRET: 'in env' })).telemetrySecret).toBe('in env');
    expect((await loadAgent(file, { CEILOGRAPH_TELEMETRY_SECRET_FILE: `${dir}/other.txt` })).telemetrySecret).toBe('in other');
  });

  it.each([
    ['an unknown key', 'data-dir: x\n', {}, ['agent.yaml:1:1 data-dir: unknown key "data-dir"; did you mean "data_dir"?']],
    [
      'Redis without topics that all agents reach',
      'coordination: { redis: { url: "redis://r" }, keys_file: keys.yaml }\n',
      {},
      [expect.stringMatching(/topics: .*`coordination.redis` and `topics.amqp` \(or `topics.kafka`\) come together/)],
    ],
    [
      'a mistyped key of the coordination',
      'coordination: { redis: { urll: "redis://r" }, keys_file: k }\ntopics: { amqp: { url: "amqp://b" } }\n',
      {},
      [
        'agent.yaml:1:24 coordination.redis.url: missing, expected text',
        'agent.yaml:1:26 coordination.redis.urll: unknown key "urll"; did you mean "url"?',
      ],
    ],
    [
      'a loss that nobody has accepted',
      'coordination: { redis: { url: "redis://r", recovery: empty }, keys_file: k }\ntopics: { amqp: { url: "amqp://b" } }\n',
      {},
      [expect.stringMatching(/coordination\.redis: .*accept_loss: true/)],
    ],
    [
      'a port where sentinels say which',
      'coordination: { redis: { url: "redis://r:6379", sentinels: { hosts: [s] } }, keys_file: k }\ntopics: { amqp: { url: "amqp://b" } }\n',
      {},
      [expect.stringMatching(/coordination\.redis: .*without a port/)],
    ],
    [
      'a sentinel that is no host',
      'coordination: { redis: { url: "redis://r", sentinels: { hosts: ["redis://s"] } }, keys_file: k }\ntopics: { amqp: { url: "amqp://b" } }\n',
      {},
      [expect.stringMatching(/sentinels\.hosts\.0: .*host:port/)],
    ],
    [
      'an unknown input',
      'inputs:\n  - ampq: {}\n',
      {},
      ['agent.yaml:2:5 inputs.0.ampq: there is no input "ampq"; did you mean "amqp"?'],
    ],
    [
      'a bad parameter of an input',
      'inputs:\n  - http: { port: 99999 }\n',
      {},
      [expect.stringMatching(/^agent\.yaml:2:19 inputs\.0\.http\.port: too big/)],
    ],
    [
      'two inputs of one name',
      'inputs: [{ http: {} }, { http: { port: 1 } }]\n',
      {},
      [expect.stringMatching(/two inputs are called "http"/)],
    ],
    [
      'a bad variable',
      '',
      { CEILOGRAPH_LIMITS_MAX_DEPTH: 'deep' },
      ['CEILOGRAPH_LIMITS_MAX_DEPTH limits.max_depth: the text "deep", expected a number'],
    ],
    [
      'a lease that is renewed too seldom',
      'timing: { renew_ms: 9000 }\n',
      {},
      [expect.stringMatching(/^agent\.yaml:1:21 timing\.renew_ms: expected at most a third/)],
    ],
    [
      'a secret in two places',
      'telemetry_secret: a\ntelemetry_secret_file: b\n',
      {},
      [expect.stringMatching(/^agent\.yaml:2:1 telemetry_secret_file: telemetry_secret stands here too/)],
    ],
    [
      'a secret in two variables',
      '',
      { CEILOGRAPH_TELEMETRY_SECRET: 'a', CEILOGRAPH_TELEMETRY_SECRET_FILE: 'b' },
      [expect.stringContaining('both CEILOGRAPH_TELEMETRY_SECRET and CEILOGRAPH_TELEMETRY_SECRET_FILE are set')],
    ],
    ['a list instead of a mapping', '- a\n', {}, ['agent.yaml:1:1 a list, expected a mapping']],
    [
      'an open door to the outside',
      'admin: { listen: 0.0.0.0:8788 }\n',
      {},
      ['agent.yaml:1:18 admin.listen: listening beyond this machine needs `token_file`'],
    ],
    [
      'an address without port',
      'admin: { listen: localhost }\n',
      {},
      ['agent.yaml:1:18 admin.listen: expected host:port, such as 127.0.0.1:8788, or off'],
    ],
  ])('with %s is refused', async (_, text, env, expected) => {
    const dir = await folderWith({ 'agent.yaml': text });

    expect(await problemsOf(loadAgent(`${dir}/agent.yaml`, env), dir)).toEqual(expected);
  });

  it('that is not there is said so', async () => {
    expect(await problemsOf(loadAgent('/nowhere/agent.yaml', {}), '/nowhere')).toEqual([
      'agent.yaml:1:1 cannot be read: no such file or folder',
    ]);
  });
});
