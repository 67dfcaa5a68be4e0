import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { base, excessive, goodPayload, type Hostile, hostile } from '../unit/hostile/corpus.ts';

// A whole agent as its own process, fed over HTTP: good notifications before and after each hostile one. The good ones' outputs all
// arrive, every hostile one is answered or becomes a dead letter, and the process lives.

const root = fileURLToPath(new URL('../..', import.meta.url));
const encoder = new TextEncoder();
const samplesPerGood = 4;

/** Both ways of a sink: straight to its file, and over a topic, a worker and its state. */
const files = {
  'agent.yaml':
    'data_dir: data\npipelines: sinks\ninputs:\n  - http: { port: 0 }\ntiming: { linger_ms: 5 }\nlog: { level: info }\n',
  'sinks/events.yaml': 'sink: events\nfrom: events\nmatch: ["*"]\npublish:\n  - file: { path: out/events.jsonl, sync: none }\n',
  'sinks/direct.yaml':
    'sink: direct\nfrom: samples\nmatch: ["*"]\ntransform:\n  - unit_conversion: { source: { unit: nothing }, target: { name: x } }\npublish:\n  - file: { path: out/direct.jsonl, sync: none }\n',
  'sinks/kept.yaml':
    'sink: kept\nfrom: samples\nmatch: ["*"]\npartitions: 2\ntransform:\n  - deduplicate: { window: 1h }\npublish:\n  - file: { path: out/kept.jsonl, sync: none }\n',
  'sinks/rates.yaml':
    'sink: rates\nfrom: samples\nmatch: ["*"]\npartitions: 1\ntransform:\n  - rate_of_change: { target: { name: rate, scale: "1.0 / (volume - 3)" } }\npublish:\n  - file: { path: out/rates.jsonl, sync: none }\n',
};

let folder: string;
let agent: ChildProcess;
let log = '';
let url = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-hostile-'));
  await mkdir(join(folder, 'sinks'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  agent = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'agent', '-c', join(folder, 'agent.yaml')], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  agent.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  await until(() => {
    url = /"detail":"(http:[^"]+)"/.exec(log)?.[1] ?? '';
    return url !== '' || agent.exitCode !== null;
  });
}, 60_000);

afterAll(async () => {
  if (agent.exitCode === null) agent.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it did not happen within 60 s; the agent says: ${log.slice(-2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const sent: string[] = [];

function good(): Uint8Array {
  const id = `good-${sent.length}`;
  sent.push(id);
  return encoder.encode(JSON.stringify({ ...base, message_id: id, payload: { ...goodPayload, instance_id: id } }));
}

async function post(body: Uint8Array, headers: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  return { status: answer.status, answer: (await answer.json()) as Readonly<Record<string, unknown>> };
}

/** What the input itself refuses: it names the line. All else is taken, and told of by dead letters. */
function answerTo({ body }: Hostile): { readonly status: number; readonly line?: number } {
  if (body.length > 8 * 1024 * 1024) return { status: 413 };
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { status: 202 };
    if (Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null)) return { status: 202 };
  } catch {
    // no JSON text: the input says where
  }
  return { status: 400, line: 1 };
}

/** A request may be an array of notifications: `[]` is none, `[{}]` one without a payload. */
function isArray({ body }: Hostile): boolean {
  return body[0] === 0x5b;
}

async function linesOf(name: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const text = await readFile(join(folder, 'out', name), 'utf8').catch(() => '');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Readonly<Record<string, unknown>>]));
}

async function status(): Promise<{ readonly deadLetters: { readonly byReason: Readonly<Record<string, number>> } }> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'src/cli/main.ts', 'status', '--json', '-c', join(folder, 'agent.yaml')],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(child, 'close');
  return JSON.parse(text) as Awaited<ReturnType<typeof status>>;
}

async function ownMemoryMiB(): Promise<number> {
  const text = await readFile(`/proc/${agent.pid}/status`, 'utf8');
  return Number(/RssAnon:\s+(\d+) kB/.exec(text)?.[1]) / 1024;
}

async function countOf(name: string): Promise<number> {
  return (await linesOf(name)).filter((line) => String(line['resource_id']).startsWith('good-')).length;
}

async function everythingGoodArrived(): Promise<boolean> {
  const events = new Set((await linesOf('events.jsonl')).map((line) => line['message_id']));
  if (!sent.every((id) => events.has(id))) return false;
  return (
    (await countOf('direct.jsonl')) >= samplesPerGood * sent.length &&
    (await countOf('kept.jsonl')) >= samplesPerGood * sent.length
  );
}

describe('a running agent', { shuffle: false }, () => {
  it('answers or buries every hostile notification, and all good ones between them arrive', { timeout: 180_000 }, async () => {
    const answers: (readonly [string, unknown, unknown])[] = [];
    for (let at = 0; at < hostile.length; at += 10) {
      await Promise.all(
        hostile.slice(at, at + 10).map(async (one) => {
          const before = post(good());
          const { status: code, answer } = await post(one.body);
          const after = post(good());
          expect([(await before).status, (await after).status]).toEqual([202, 202]);
          const { status: expected, line } = answerTo(one);
          answers.push([one.title, [code, answer['line']], [expected, line]]);
        }),
      );
    }

    for (const { body } of excessive) expect((await post(body)).status).toBe(202);
    expect(answers.filter(([, found, expected]) => JSON.stringify(found) !== JSON.stringify(expected))).toEqual([]);
    await until(everythingGoodArrived);
    expect(agent.exitCode).toBeNull();
    expect(await ownMemoryMiB()).toBeLessThan(500);
  });

  it('shows the dead letters by their reasons', async () => {
    const expected: Record<string, number> = {};
    for (const one of hostile.filter((each) => answerTo(each).status === 202 && !isArray(each))) {
      if (one.fate.kind === 'refused') expected[one.fate.code] = (expected[one.fate.code] ?? 0) + 1;
      if (one.fate.kind === 'problem') expected['bad_value'] = (expected['bad_value'] ?? 0) + one.fate.stages.length;
    }

    expected['missing_field'] = (expected['missing_field'] ?? 0) + 1; // the object in the array
    for (const { reason } of excessive) expected[reason] = 1;
    const { byReason } = (await status()).deadLetters;

    expect(byReason).toMatchObject(expected);
    // What only a transformer can say: from_the_future, transformer_error.
    const others = Object.keys(byReason).filter((reason) => expected[reason] === undefined);
    expect(others.sort()).toEqual(['from_the_future', 'transformer_error']);
  });

  it('takes nothing of a request whose one line is bad, and names the line', async () => {
    const body = Buffer.concat([good(), Buffer.from('\n{"broken\n'), good(), Buffer.from('\n')]);
    sent.splice(-2);

    const { status: code, answer } = await post(body, { 'content-type': 'application/x-ndjson' });

    expect([code, answer['line']]).toEqual([400, 2]);
    expect(answer['title']).toMatch(/^line 2: /);
  });

  it('refuses a body that grows when it is unpacked, before it has grown', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20));
    const memory = await ownMemoryMiB();

    const { status: code } = await post(bomb, { 'content-encoding': 'gzip' });

    expect(code).toBe(413);
    expect((await ownMemoryMiB()) - memory).toBeLessThan(64);
  });

  it('writes one line of JSON per log message, without a control character', () => {
    for (const line of log.split('\n').filter((each) => each !== '')) {
      expect(() => JSON.parse(line) as unknown).not.toThrow();
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
  });

  it('still takes good notifications, and leaves in order', async () => {
    expect((await post(good())).status).toBe(202);
    await until(everythingGoodArrived);

    agent.kill('SIGTERM');
    await once(agent, 'exit');

    expect(agent.exitCode).toBe(0);
    expect(log).not.toMatch(/"level":"(error|fatal)"/);
  });
});
