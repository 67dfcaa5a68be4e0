import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseEntry, type TickEntry } from '../../../src/model/entry.ts';
import { parseRecording, Recorder } from '../../../src/pipeline/recorder.ts';

const ref = { cluster: 'c', sink: 's', generation: 1, partition: 0 };
const tick = (at: number): TickEntry => ({ kind: 'tick', incarnation: 1, epoch: 1, n: at, at });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ceilograph-recorder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Each attempt: incarnation, epoch, version, and the times of the ticks it read. */
async function recorded(attempts: readonly (readonly [number, number, number, readonly number[]])[]): Promise<number[][]> {
  const recorder = new Recorder(folder);
  for (const [incarnation, epoch, version, times] of attempts)
    for (const at of times) await recorder.record(ref, { token: { incarnation, epoch }, version }, tick(at));
  const text = await readFile(join(folder, 'cg.c.s.g1.p0.log'), 'utf8');
  return parseRecording(text).map((entries) => entries.map((entry) => (parseEntry(entry) as TickEntry).at));
}

it('gives the entries in the order in which they were committed', async () => {
  expect(
    await recorded([
      [1, 1, 1, [10, 20]],
      [1, 1, 2, [30]],
    ]),
  ).toEqual([[10, 20, 30]]);
});

it('takes of an attempt that was not committed what the next owner read instead, in its order', async () => {
  expect(
    await recorded([
      [1, 1, 1, [10]],
      [1, 1, 2, [20, 30]],
      [1, 2, 2, [30, 20, 40]],
    ]),
  ).toEqual([[10], [30, 20, 40]]);
});

it('leaves out what an owner read that woke up after its partition was given on', async () => {
  expect(
    await recorded([
      [1, 7, 1, [10]],
      [2, 3, 2, [20]],
      [1, 7, 2, [99]],
    ]),
  ).toEqual([[10], [20]]);
});
