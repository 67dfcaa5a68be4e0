import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { DeadLetters, type Letter } from '../../../src/pipeline/dead-letters.ts';

const letter = (body: string | Uint8Array, more: Partial<Letter> = {}): Letter => ({
  stage: 'decode',
  reason: 'bad_json',
  message: 'not JSON',
  sink: null,
  publisher: null,
  origin: 'file:in.jsonl:1',
  messageId: null,
  body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  ...more,
});

describe('the dead-letter log', () => {
  let directory: string;
  const open: DeadLetters[] = [];
  const openLog = async (
    bounds: { maxLetters?: number; maxBytes?: number; maxBodyBytes?: number } = {},
    clock = new ManualClock(5),
  ) => {
    const log = await DeadLetters.open({ directory, clock, ...bounds });
    open.push(log);
    return log;
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dead-letters-'));
  });
  afterEach(async () => {
    for (const log of open.splice(0)) await log.close();
    await rm(directory, { recursive: true });
  });

  it('keeps what was recorded over a restart, newest first', async () => {
    const first = await openLog();
    await first.record(letter('one'));
    await first.record(letter('two', { reason: 'too_deep', sink: 'cpu' }));
    await first.close();

    const log = await openLog();

    expect(log.list().map((one) => one.body)).toEqual([{ text: 'two' }, { text: 'one' }]);
    expect(log.list({ reason: 'too_deep' })).toMatchObject([
      { stage: 'decode', reason: 'too_deep', sink: 'cpu', firstSeen: 5, times: 1, truncated: false },
    ]);
    expect(log.stats()).toMatchObject({ letters: 2, evicted: 0, byReason: { bad_json: 1, too_deep: 1 } });
  });

  it('knows a letter again that comes a second time, as after a crash before the acknowledgement', async () => {
    const clock = new ManualClock(5);
    const log = await openLog({}, clock);
    const id = await log.record(letter('one'));
    await clock.advance(100);

    expect(await log.record(letter('one'))).toBe(id);

    expect(log.list()).toMatchObject([{ id, firstSeen: 5, lastSeen: 105, times: 2 }]);
    expect(log.stats().letters).toBe(1);
  });

  it('keeps the bytes of what is no text', async () => {
    const log = await openLog();

    const id = await log.record(letter(Uint8Array.from([0xff, 0x00, 0xfe])));

    expect(log.get(id)?.body).toEqual({ base64: '/wD+' });
  });

  it('lets the oldest go at its bounds and counts them', async () => {
    const log = await openLog({ maxLetters: 3 });

    for (const body of ['1', '2', '3', '4', '5']) await log.record(letter(body));

    expect(log.list().map((one) => one.body)).toEqual([{ text: '5' }, { text: '4' }, { text: '3' }]);
    expect(log.stats()).toMatchObject({ letters: 3, evicted: 2, byReason: { bad_json: 3 } });
    expect(log.stats().bytes).toBe(log.list().reduce((sum, one) => sum + JSON.stringify(one).length, 0));
  });

  it('keeps its size bound, but always the newest letter', async () => {
    const log = await openLog({ maxBytes: 1_000 });

    for (const body of ['a'.repeat(300), 'b'.repeat(300), 'c'.repeat(3_000)]) await log.record(letter(body));

    expect(log.list().map((one) => one.bodyBytes)).toEqual([3_000]);
  });

  it('keeps the beginning of a body beyond its bound and says so, and tells two such bodies apart', async () => {
    const log = await openLog({ maxBodyBytes: 4 });

    await log.record(letter('abcdefg'));
    await log.record(letter('abcdxyz'));

    expect(log.list()).toMatchObject([
      { body: { text: 'abcd' }, bodyBytes: 7, truncated: true },
      { body: { text: 'abcd' }, bodyBytes: 7, truncated: true },
    ]);
  });

  it('forgets letters that were retried or dropped', async () => {
    const log = await openLog();
    const one = await log.record(letter('one'));
    await log.record(letter('two'));

    expect(await log.remove([one, 'unknown'])).toBe(1);

    expect(log.get(one)).toBeUndefined();
    expect(log.stats()).toMatchObject({ letters: 1, evicted: 0 });
  });

  it('is shared by several who write at once', async () => {
    const [a, b] = [await openLog(), await openLog()];

    await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? a : b).record(letter(String(i)))));

    expect(a.stats().letters).toBe(40);
    expect(new Set(b.list().map((one) => JSON.stringify(one.body))).size).toBe(40);
  });
});
