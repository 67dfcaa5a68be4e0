import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createConverter } from '../../../src/core/convert/converter.ts';
import type { PublisherKind } from '../../../src/publishers/publisher.ts';
import { publishers } from '../../../src/publishers/registry.ts';
import { headline, passes, reasons } from '../../../src/testing/describe-result.ts';
import { findTests } from '../../../src/testing/find-tests.ts';
import { runTests } from '../../../src/testing/run-tests.ts';
import { folderWith } from '../config/fixtures.ts';

const load = {
  name: 'load',
  event_type: 'host.load',
  type: 'gauge',
  unit: 'process',
  volume: '$.payload.load',
  resource_id: '$.payload.host',
};
const converter = createConverter({ meters: [{ file: 'meters.yaml', definitions: [load] }], events: [] });

const publisherOf = async (kind: string) => (await publishers[kind]?.load()) as PublisherKind<unknown>;

// The password is not there, and need not be: a test publishes nothing.
const sink = 'sink: a\nfrom: samples\nmatch: ["*"]\npublish: [{ http: { url: "$' + '{env:NOT_SET}" } }]\n';

/** What the report says of a folder with these files, one line a case and the reasons below it, without the folder. */
async function reportOn(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const dir = await folderWith(files);
  const found = await findTests([dir]);
  if (typeof found === 'string') throw new Error(found);
  const lines: string[] = [];
  for await (const result of runTests(found, { cluster: 'c', converter, publisherOf, wanted: () => true })) {
    lines.push(`${passes(result) ? '✓' : '✗'} ${headline(result)}`, ...reasons(result));
  }
  return lines.map((line) => line.replaceAll(join(dir, '/'), ''));
}

const caseOf = (given: string, rest: string) => `- title: t\n  given:\n${given}\n${rest}`;

describe('a case', () => {
  it('compares the named fields only, numbers as numbers and times as instants', async () => {
    const test = caseOf(
      '    - samples: [{ name: x, volume: 0.1, timestamp: "2024-03-04T05:00:00", resource_metadata: { a: 1, b: [2, 3] } }]',
      '  expect: [{ volume: 0.10000000000001, timestamp: 2024-03-04T06:00:00+01:00, resource_metadata: { b: [2.0, 3] } }]',
    );

    expect(await reportOn({ 'a.yaml': sink, 'a.test.yaml': test })).toEqual(['✓ a › t']);
  });

  it('tells 64-bit numbers apart to the last digit', async () => {
    const test = caseOf('    - samples: [{ name: x, volume: 9007199254740993 }]', '  expect: [{ volume: 9007199254740992 }]');

    expect(await reportOn({ 'a.yaml': sink, 'a.test.yaml': test })).toEqual([
      '✗ a › t',
      'a.test.yaml:1:3',
      'item 1 (a.test.yaml:4) is another',
      '  volume',
      '    expected 9007199254740992',
      '    got      9007199254740993',
    ]);
  });

  it('shows the one that did not come where it belongs, and its neighbours as they are', async () => {
    const test = caseOf(
      '    - samples: [{ name: x, volume: 1 }, { name: x, volume: 3 }, { name: x, volume: 4 }]',
      '  expect:\n    - { volume: 1 }\n    - { volume: 2 }\n    - { volume: 3 }',
    );

    const lines = await reportOn({ 'a.yaml': sink, 'a.test.yaml': test });

    expect(lines.slice(2, 4)).toEqual(['item 2 (a.test.yaml:6) did not come', '  expected {"volume":2}']);
    expect(lines[4]).toBe('one more came than was expected');
    expect(lines[5]).toContain('"volume":4');
    expect(lines).toHaveLength(6);
  });

  it('may leave the order open', async () => {
    const given = '    - samples: [{ name: x, volume: 1 }, { name: y, volume: 2 }]';
    const expected = '[{ volume: 2 }, {}]';

    expect(
      await reportOn({
        'a.yaml': sink,
        'a.test.yaml': caseOf(given, `  unordered: true\n  expect: ${expected}`),
        'b.yaml': sink,
        'b.test.yaml': caseOf(given, `  expect: ${expected}`),
      }),
    ).toEqual(expect.arrayContaining(['✓ a › t', '✗ a › t']));
  });

  it('takes notifications through the conversion, inline and from a file, and tells of dead letters', async () => {
    const test = caseOf(
      `    - notifications: [{ event_type: host.load, payload: { host: h1, load: 0.5 } }]
    - file: recorded.jsonl`,
      '  expect: [{ name: load, resource_id: h1, volume: 0.5 }, { resource_id: h2, timestamp: 2024-03-04T05:00:00 }]',
    );
    const recorded =
      '{"event_type":"host.load","publisher_id":"p","priority":"INFO","timestamp":"2024-03-04 05:00:00","payload":{"host":"h2","load":1}}\n{"no":1}\n';

    expect(await reportOn({ 'a.yaml': sink, 'a.test.yaml': test, 'recorded.jsonl': recorded })).toEqual([
      '✗ a › t',
      'a.test.yaml:1:3',
      'dead_letters: missing_field',
      '  expected 0',
      '  got      1',
      '  it says: the message has no payload',
    ]);
    expect(
      await reportOn({
        'a.yaml': sink,
        'a.test.yaml': `${test}\n  dead_letters: { missing_field: 1 }`,
        'recorded.jsonl': recorded,
      }),
    ).toEqual(['✓ a › t']);
  });

  it('gives the time of the case to what says none, and refuses what is from its future', async () => {
    const test = caseOf(
      '    - pass: 1h\n    - samples: [{ name: x, volume: 1 }, { name: x, volume: 1, timestamp: "2024-01-01T02:00:00" }]',
      '  at: 2024-01-01T00:00:00\n  expect: [{ timestamp: 2024-01-01T01:00:00 }]\n  dead_letters: { from_the_future: 1 }',
    );

    expect(await reportOn({ 'a.yaml': sink, 'a.test.yaml': test })).toEqual(['✓ a › t']);
  });

  it('compares what is dropped only when it says so', async () => {
    const filtered = sink.replace('publish', 'transform: [{ filter: { where: "volume > 1" } }]\npublish');
    const given = '    - samples: [{ name: x, volume: 1 }]';

    const said = { 'a.yaml': filtered, 'a.test.yaml': caseOf(given, '  expect: []\n  dropped: { too_late: 1 }') };
    const unsaid = { 'a.yaml': filtered, 'a.test.yaml': caseOf(given, '  expect: []') };

    expect(await reportOn(unsaid)).toEqual(['✓ a › t']);
    expect((await reportOn(said)).slice(2)).toEqual([
      'dropped: too_late',
      '  expected 1',
      '  got      0',
      'dropped: filtered',
      '  expected 0',
      '  got      1',
    ]);
  });
});

describe('a test file', () => {
  const good = caseOf('    - samples: [{ name: x, volume: 1 }]', '  expect: [{}]');

  it.each([
    [
      'a misspelt key',
      good.replace('title', 'titel'),
      [/^a\.test\.yaml:1:3 0\.title: missing/, /^a\.test\.yaml:1:3 0\.titel: unknown key "titel"; did you mean "title"\?$/],
    ],
    [
      'a misspelt step',
      good.replace('samples', 'sample'),
      [/^a\.test\.yaml:3:7 0\.given\.0\.sample: unknown key "sample"; did you mean "samples"\?$/],
    ],
    [
      'a misspelt field',
      good.replace('volume', 'volum'),
      [/volume: missing/, /volum: unknown key "volum"; did you mean "volume"\?$/],
    ],
    [
      'an expected field that is none',
      good.replace('[{}]', '[{ nam: x }]'),
      [/^a\.test\.yaml:4:14 0\.expect\.0\.nam: unknown key "nam"; did you mean "name"\?$/],
    ],
    [
      'two things in one step',
      good.replace('- samples', '- pass: 1m\n      samples'),
      [/0\.given\.0: expected one of notifications, file, samples, events, pass/],
    ],
    [
      'a step that is no duration',
      good.replace(/- samples.*/, '- pass: soon'),
      [/^a\.test\.yaml:3:13 0\.given\.0\.pass: a duration is/],
    ],
    [
      'a misspelt field of a notification',
      good.replace(/- samples.*/, '- notifications: [{ evnt_type: x, payload: {}, _context_user: u }]'),
      [/event_type: missing$/, /unknown key "evnt_type"; did you mean "event_type"\?$/],
    ],
    [
      'a file that is not there',
      good.replace(/- samples.*/, '- file: x.jsonl'),
      [/^a\.test\.yaml:3:13 0\.given\.0\.file: x\.jsonl cannot be read: no such file/],
    ],
    ['no YAML', '- [', [/not YAML/]],
    ['no case', '[]', [/expected at least one case/]],
  ])('with %s is told with its place', async (_title, test, expected) => {
    const lines = await reportOn({ 'a.yaml': sink, 'a.test.yaml': test });

    expect(lines[0]).toBe('✗ a.test.yaml › cannot be run');
    expect(lines.slice(1)).toEqual(expected.map((line) => expect.stringMatching(line)));
  });

  it('without its sink is told, and the next one is run', async () => {
    expect(await reportOn({ 'a.test.yaml': good, 'b.yaml': sink, 'b.test.yaml': good })).toEqual([
      '✗ a.test.yaml › cannot be run',
      'a.yaml:1:1 cannot be read: no such file or folder',
      '✓ a › t',
    ]);
  });
});

describe("an operator's own module", () => {
  const uses = sink.replace('publish', 'transform: [{ use: ./own.mjs }]\npublish');
  const test = caseOf('    - samples: [{ name: x, volume: 1 }]', '  expect: [{}]');
  const anything = '{ safeParse: (value) => ({ success: true, data: value ?? {} }) }';
  const own = (step: string, examples = "[{ title: 'e', yaml: '{}', given: [{ volume: 1 }], expect: [{}] }]") =>
    `let calls = 0;\nexport const transformer = { name: 'own', summary: 's', takes: ['samples'], scope: 'none', Parameters: ${anything}, examples: ${examples}, step: (p, item) => ${step} };\n`;

  const broken = async (module: string) => {
    const lines = await reportOn({ 'a.yaml': uses, 'a.test.yaml': test, 'own.mjs': module });
    return lines.filter((line) => line.startsWith('✗'));
  };

  it('that keeps every law passes', async () => {
    expect(await broken(own('({ out: [{ item }] })'))).toEqual([]);
  });

  it.each([
    [
      'looks at the clock',
      own('({ out: [{ item: { ...item, volume: Date.now() } }] })'),
      'The same input gives the same output with the same ids.',
    ],
    [
      'counts its calls',
      own('({ out: [{ item: { ...item, volume: calls++ } }] })'),
      'The same input gives the same output with the same ids.',
    ],
    ['changes what it is given', own('{ item.volume = 7; return { out: [{ item }] }; }'), 'Nothing handed in is changed.'],
    [
      'loses an item',
      own('({ out: [] })', "[{ title: 'e', yaml: '{}', given: [{ volume: 1 }], expect: [] }]"),
      'Every item is emitted, held or counted; none just vanishes.',
    ],
    ['does not do what its example says', own('({ out: [{ item }, { item }] })'), 'The examples run and give what they say.'],
    ['has no example', own('({ out: [{ item }] })', '[]'), 'The examples run and give what they say.'],
  ])('that %s is found out', async (_title, module, law) => {
    expect(await broken(module)).toContain(`✗ own › ${law}`);
  });
});

describe('what a target gets', () => {
  const sinkTo = (publish: string) => `sink: a\nfrom: samples\nmatch: ["*"]\npublish: [${publish}]\n`;
  const given = '    - samples: [{ name: x, volume: 1, id: s1, timestamp: "2024-03-04T05:00:00" }, { name: x, volume: 2 }]';
  const toHttp = sinkTo('{ http: { url: "http://hook.test/in", format: array } }');
  const report = (publish: string, published: string, rest = '') =>
    reportOn({
      'a.yaml': publish,
      'a.test.yaml': caseOf(given, `  expect: [{}, {}]\n${rest}  published:\n${published}`),
    });

  it('is compared by the fields that are named, the body as JSON', async () => {
    const published = '    http:\n      - { method: POST, url: "http://hook.test/in", body: [{ volume: 1.0 }, { volume: 2 }] }';

    expect(await report(toHttp, published)).toEqual(['✓ a › t']);
  });

  it('is shown beside what was expected', async () => {
    const published = '    http:\n      - { method: PUT, headers: { content-type: application/json } }\n      - { method: PUT }';

    expect(await report(toHttp, published)).toEqual([
      '✗ a › t',
      'a.test.yaml:1:3',
      'http: item 1 (a.test.yaml:7) is another',
      '  method',
      '    expected "PUT"',
      '    got      "POST"',
      'http: item 2 (a.test.yaml:8) did not come',
      '  expected {"method":"PUT"}',
    ]);
  });

  it('is sent again after an answer that may pass, and a refusal makes dead letters', async () => {
    const again = '    http:\n      - { answer: { status: 503 } }\n      - { body: [{}, {}] }';
    const refused =
      '    http:\n      - { answer: { status: 400 } }\n      - { answer: { status: 422 }, body: [{ volume: 1 }] }\n      - { body: [{ volume: 2 }] }';

    expect(await report(toHttp, again)).toEqual(['✓ a › t']);
    expect(await report(toHttp, refused, '  dead_letters: { http_status: 1 }\n')).toEqual(['✓ a › t']);
  });

  it('are mails, where it is the queue of mails', async () => {
    const toMail = sinkTo(
      '{ mail: { notify: [{ to: ops@example.org, subject: "{{name}} is {{volume}}", body: "on {{resource_id}}" }] } }',
    );
    const published =
      '    mail:\n      - { to: [ops@example.org], subject: x is 1, text: "on resource" }\n      - { subject: x is 2 }';

    expect(await report(toMail, published)).toEqual(['✓ a › t']);
  });

  const body = '{ counter_name: x, counter_volume: 1 }';
  it.each([
    [
      'amqp',
      'amqp: { url: "amqp://nowhere", topic: t, exchange: e, per_meter_topic: true, tls: { ca_file: none.pem } }',
      `{ exchange: e, routing_key: t.sample, body: { event_type: metering, payload: [${body}, {}] } }, { body: { event_type: metering.x } }`,
    ],
    [
      'kafka',
      'kafka: { brokers: [nowhere:9092], topic: t, sasl: { mechanism: plain, username: u, password_file: none } }',
      '{ topic: t, key: resource, headers: { id: s1 }, body: { id: s1, volume: 1 } }, {}',
    ],
    [
      'postgres',
      'postgres: { url: "postgres://nowhere/x", table: s.samples, password_file: none }',
      '{ table: s.samples, body: { id: s1, volume: 1, timestamp: "2024-03-04T05:00:00Z", resource_metadata: {} } }, {}',
    ],
    ['redis-stream', 'redis-stream: { url: "redis://nowhere", stream: s }', '{ stream: s, id: s1, body: { volume: 1 } }, {}'],
    ['tcp', 'tcp: { host: nowhere }', `{ body: ${body} }, {}`],
    ['udp', 'udp: { host: nowhere }', `{ body: ${body} }, {}`],
    ['file', 'file: { path: /no/such/folder/f.jsonl }', '{ path: /no/such/folder/f.jsonl, body: [{ id: s1 }, {}] }'],
    ['stdout', 'stdout: {}', '{ body: [{ volume: 1 }, { volume: 2 }] }'],
    [
      'spool',
      'spool: { deliver: both, data_dir: /no/such/folder }',
      `{ deliver: local, body: { uuid: s1, context: { payload: { samples: [${body}] } } } }, {}, { deliver: remote }, {}`,
    ],
  ])('are messages, rows or lines, where it is a target of the kind %s, of which nothing is touched', async (kind, to, got) => {
    expect(await report(sinkTo(`{ ${to} }`), `    ${kind}: [${got}]`)).toEqual(['✓ a › t']);
    expect(await report(sinkTo(`{ ${to} }`), `    ${kind}: []`)).toContain(`${kind}: one more came than was expected`);
  });

  it('is what every kind of target can be asked for', async () => {
    const tried = new Set(['amqp', 'kafka', 'postgres', 'redis-stream', 'tcp', 'udp', 'file', 'stdout', 'spool', 'mail']);
    expect(Object.keys(publishers).filter((kind) => !tried.has(kind))).toEqual([
      'http',
      'gnocchi',
      'prometheus',
      'pushgateway',
      'otlp',
    ]);
  });

  it('is less where the target could not say it: that is a dead letter', async () => {
    const yesterday = '    - samples: [{ name: x, volume: 1, timestamp: yesterday }, { name: x, volume: 2, id: s2 }]';
    const published = '  expect: [{}, {}]\n  dead_letters: { refused: 1 }\n  published: { postgres: [{ body: { id: s2 } }] }';
    const sink = sinkTo('{ postgres: { url: "postgres://nowhere/x" } }');

    expect(await reportOn({ 'a.yaml': sink, 'a.test.yaml': caseOf(yesterday, published) })).toEqual(['✓ a › t']);
  });

  it('can be asked of targets of the sink only, and answers of those that are servers for HTTP', async () => {
    const named = await report(toHttp, '    hook: []');
    const silent = await report(sinkTo('{ file: { path: out.jsonl } }'), '    file: [{ answer: { status: 503 } }]');

    expect(named[1]).toContain('a.test.yaml:6:5 published.hook: the sink a has no target "hook"');
    expect(silent[1]).toContain('published.file: a target of the kind file gives no answers');
  });
});
