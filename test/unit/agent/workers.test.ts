import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runWorkers } from '../../../src/agent/workers.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { Emit } from '../../../src/telemetry/events.ts';

/** A worker process that writes down what it is told. */
const worker = `
import { appendFileSync } from 'node:fs';
const [log, mode] = process.argv.slice(2);
const say = (word) => appendFileSync(log, process.env.CEILOGRAPH_WORKER_INDEX + ' ' + word + '\\n');
say('begun');
if (mode === 'dies') process.exit(3);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => say(signal));
process.on('message', (message) => {
  say(message);
  if (mode !== 'stuck') process.exit(0);
});
setInterval(() => mode === 'silent' || process.send('alive'), 50);
`;

/** Ten seconds pass in one. */
const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => systemClock.monotonic() * 10,
  sleep: (ms, signal) => systemClock.sleep(ms / 10, signal),
};

let folder: string;
let soft: AbortController;
let hard: AbortController;
let ended: Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-workers-'));
  await writeFile(join(folder, 'worker.mjs'), worker);
  soft = new AbortController();
  hard = new AbortController();
});

afterEach(async () => {
  soft.abort();
  hard.abort();
  await ended;
  await rm(folder, { recursive: true });
});

function start(mode: string, count = 1) {
  const codes: string[] = [];
  const emit: Emit = (_name, facts) => void codes.push((facts as { readonly code: string }).code);
  const argv = [join(folder, 'log'), mode];
  const options = { count, entry: join(folder, 'worker.mjs'), argv, silentMs: 30_000, clock, emit };
  ended = runWorkers(options, { soft: soft.signal, hard: hard.signal });
  return codes;
}

const log = async () => (await readFile(join(folder, 'log'), 'utf8').catch(() => '')).split('\n').filter(Boolean).sort();

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`it did not happen within 15 s: ${await log()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the parent of workers', () => {
  it('tells each of them to leave, by no signal', async () => {
    start('good', 2);
    await until(async () => (await log()).length === 2);
    soft.abort();
    await ended;

    expect(await log()).toEqual(['0 begun', '0 leave', '1 begun', '1 leave']);
  });

  it('kills what does not leave when told to leave at once', async () => {
    start('stuck');
    await until(async () => (await log()).length === 1);
    soft.abort();
    await until(async () => (await log()).length === 2);
    hard.abort();

    await ended;
  });

  it('starts one that ended again, and says how it ended', async () => {
    const codes = start('dies');
    await until(async () => (await log()).length >= 2);
    soft.abort();
    await ended;

    expect(codes[0]).toBe('3');
  });

  it('kills one that is silent, and starts another', async () => {
    const codes = start('silent');
    await until(async () => (await log()).length >= 2);

    expect(codes[0]).toBe('SIGKILL');
  });
});
