import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itemLines } from '../../../src/core/convert/wire.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { printEntry } from '../../../src/model/entry.ts';
import { DeadLetters, type Letter, type StoredLetter } from '../../../src/pipeline/dead-letters.ts';
import { toStored } from '../../../src/pipeline/letter.ts';
import { wayAgain, whyNotAgain } from '../../../src/pipeline/letter-again.ts';
import { sampleWith } from '../../sample.ts';

const letter = (body: string, more: Partial<Letter> = {}): Letter => ({
  stage: 'decode',
  reason: 'bad_json',
  message: 'not JSON',
  sink: null,
  publisher: null,
  origin: 'file:in.jsonl:1',
  messageId: null,
  body: new TextEncoder().encode(body),
  ...more,
});

describe('dead letters that are tried again', () => {
  let directory: string;
  let log: DeadLetters;
  const clock = new ManualClock(5);

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'letter-retries-'));
    log = await DeadLetters.open({ directory, clock });
  });
  afterEach(async () => {
    await log.close();
    await rm(directory, { recursive: true });
  });

  const retryOnce = async (id: string, meanwhile: () => Promise<unknown> = async () => undefined) => {
    await log.requestRetry([id]);
    await meanwhile();
    return await log.finishRetry(id);
  };

  it('stay asked for over a restart, each once, until they are through', async () => {
    const id = await log.record(letter('one'));

    expect(await log.requestRetry([id, id, 'unknown'])).toBe(1);
    expect(await log.requestRetry([id])).toBe(0);
    await log.close();
    log = await DeadLetters.open({ directory, clock });

    expect(log.requested(10)).toMatchObject([{ letter: { id }, request: { number: 1, times: 1 } }]);
    expect(log.requested(10, new Set([id]))).toEqual([]);
    expect(await log.finishRetry(id)).toBe(true);
    expect(log.stats()).toMatchObject({ letters: 0, bytes: 0, byReason: {} });
    expect(log.waitingForRetry()).toBe(0);
  });

  it('stay when they fail once more meanwhile, and know how often they were tried', async () => {
    const id = await log.record(letter('one'));

    expect(await retryOnce(id, () => log.record(letter('one')))).toBe(false);

    expect(log.get(id)).toMatchObject({ times: 2, retries: 1 });
    expect(log.waitingForRetry()).toBe(0);
    expect(log.stats().bytes).toBe(JSON.stringify(log.get(id)).length);
  });

  it('are known again when they come back after they were through, and are left out after the third time', async () => {
    const id = await log.record(letter('one'));
    for (let n = 1; n <= 3; n++) {
      expect(await retryOnce(id)).toBe(true);
      await log.record(letter('one'));
      expect(log.get(id)).toMatchObject({ retries: n, times: 1 });
    }

    expect(log.chooseForRetry({})).toEqual({ ids: [], leftOut: { retried_too_often: 1 } });
    expect(log.chooseForRetry({}, { force: true }).ids).toEqual([id]);
  });

  it('are not asked for any more once they were dropped', async () => {
    const id = await log.record(letter('one'));
    await log.requestRetry([id]);

    await log.remove([id]);

    expect(log.waitingForRetry()).toBe(0);
    expect(log.requested(10)).toEqual([]);
  });

  it('are chosen by every filter there is, the oldest first', async () => {
    const first = await log.record(letter('1', { sink: 'a', publisher: 'p', message: 'no such name' }));
    await clock.advance(100);
    const second = await log.record(letter('2', { reason: 'too_deep', stage: 'samples', messageId: 'm' }));
    const ids = (filter: Parameters<DeadLetters['chooseForRetry']>[0]) => log.chooseForRetry(filter).ids;

    expect(ids({})).toEqual([first, second]);
    expect(log.chooseForRetry({}, { limit: 1 }).ids).toEqual([first]);
    expect([ids({ sink: 'a' }), ids({ publisher: 'p' }), ids({ says: 'such' }), ids({ before: 100 })]).toEqual(
      Array.from({ length: 4 }, () => [first]),
    );
    const others = [ids({ reason: 'too_deep' }), ids({ stage: 'samples' }), ids({ messageId: 'm' }), ids({ since: 100 })];
    expect(others).toEqual(Array.from({ length: 4 }, () => [second]));
    expect(ids({ ids: [second, 'x'] })).toEqual([second]);
  });
});

describe('the way of a letter that is tried again', () => {
  const stored = (body: string, more: Partial<Letter>): StoredLetter => toStored(letter(body, more), 1, 1_000_000);
  const request = { number: 7, times: 1 };
  const sample = sampleWith({ id: 's1' });
  const lines = itemLines([sample]);

  it.each([
    ['decode', 'bad_json', null],
    ['samples', 'bad_value', 'samples'],
    ['events', 'bad_value', 'events'],
    ['samples', 'too_many_samples', null],
    ['samples', 'too_large_output', null],
  ])('begins before the listener for %s/%s, and makes of it only what is not there: %s', (stage, reason, only) => {
    expect(wayAgain(stored('{}', { stage, reason }), request)).toEqual({
      kind: 'listener',
      again: { kind: 'notification', only },
    });
  });

  it('leads an item that one publisher refused to that one alone', () => {
    const way = wayAgain(stored(lines, { stage: 'publish', reason: 'refused', sink: 'a', publisher: 'p' }), request);

    expect(way).toMatchObject({ kind: 'publisher', sink: 'a', publisher: 'p', item: { id: 's1' } });
  });

  it('leads an item that a step could not compute into its sink, under an id of this request', () => {
    const one = stored(lines, { stage: 'transform', reason: 'transformer_error', sink: 'a', asItCame: true });

    expect(whyNotAgain(one)).toBeNull();
    expect(wayAgain(one, request)).toMatchObject({
      kind: 'listener',
      again: { kind: 'items', sink: 'a', parts: [{ id: `retry/${one.id}/7`, items: [{ id: 's1' }] }] },
    });
  });

  it('gives the notifications of an entry that was never applied their own ids again', () => {
    const notifications = [{ id: 'n1', items: [sample] }];
    const entry = printEntry({ kind: 'data', listener: 'l', seq: 1, at: 1, proven: 0, notifications, canaries: [] });

    expect(wayAgain(stored(entry, { stage: 'transform', reason: 'kills_the_worker', sink: 'a' }), request)).toMatchObject({
      again: { kind: 'items', parts: [{ id: 'n1' }] },
    });
  });

  it.each([
    [{ stage: 'transform', reason: 'transformer_error', sink: 'a' }, 'changed_before'],
    [{ stage: 'transform', reason: 'bad_signature' }, 'not_ours'],
    [{ stage: 'transform', reason: 'bad_entry' }, 'not_ours'],
    [{ stage: 'append', reason: 'unspeakable', sink: 'a' }, 'unspeakable'],
    [{ stage: 'mail', reason: 'mail_expired' }, 'mail'],
    [{ stage: 'publish', reason: 'bad_mail' }, 'mail'],
    [{ stage: 'later', reason: 'x' }, 'unknown_stage'],
  ])('is not taken by %j: %s', (more, why) => {
    expect(whyNotAgain(stored(lines, more))).toBe(why);
  });

  it('is not taken by what was kept in part', () => {
    expect(whyNotAgain(toStored(letter('abcdef'), 1, 3))).toBe('truncated');
  });
});
