import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault } from '../../../src/model/faults.ts';
import { itemId } from '../../../src/model/item.ts';
import { Float } from '../../../src/model/json.ts';
import { PartialFault } from '../../../src/publishers/publisher.ts';
import { laneRig as rigOf, sample, samples, settle } from './rig.ts';

const away = () => {
  throw new Fault('retryable', 'econnrefused', 'away');
};

const kinds = [
  ['that keeps items', undefined],
  ['that keeps their lines alone', 'lines'],
  ['that keeps their messages alone', 'messages'],
] as const;

describe.each(kinds)('a lane %s', (_kind, takes) => {
  const laneRig = (options: Parameters<typeof rigOf>[0] = {}) => rigOf(options, takes);

  it('gathers what waits into one batch and delivers in the order of the offers', async () => {
    const { lane, target, soft, run } = laneRig();
    const offers = [
      lane.offer({ key: '1', items: samples('a', 'b'), replay: false }),
      lane.offer({ key: '2', items: samples('c'), replay: false }),
    ];
    soft.abort();

    await run();

    expect(await Promise.all(offers)).toEqual(['done', 'done']);
    expect(target.tries.map((one) => one.ids)).toEqual([['a', 'b', 'c']]);
  });

  it('takes what is on its way already no second time, and both who offered hear of it', async () => {
    const { lane, target, soft, run } = laneRig();
    const blob = { key: 'p@1', items: samples('a'), replay: false };
    const offers = [lane.offer(blob), lane.offer({ ...blob, replay: true }), lane.offer({ ...blob, key: '' })];
    expect(lane.status().pendingItems).toBe(2);
    soft.abort();

    await run();

    expect(await Promise.all(offers)).toEqual(['done', 'done', 'done']);
    expect(target.taken).toEqual(['a', 'a']);
  });

  it('cuts an offer that is larger than a batch, and tells once that all of it arrived', async () => {
    const { lane, target, soft, run } = laneRig({ batch: { maxItems: 2, maxBytes: 1_000_000, lingerMs: 0 } });
    const offer = lane.offer({ key: '1', items: samples('a', 'b', 'c', 'd', 'e'), replay: false });
    soft.abort();

    await run();

    expect(await offer).toBe('done');
    expect(target.tries.map((one) => one.ids)).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('tries the same batch under the same id until the target takes it, and marks the repetition', async () => {
    const { lane, target, soft, run, clock, told } = laneRig();
    let failures = 3;
    target.mood = () => failures-- > 0 && away();
    const offer = lane.offer({ key: '1', items: samples('a'), replay: false });
    soft.abort();
    const running = run();
    await settle();

    await clock.advance(60_000);
    await running;

    expect(await offer).toBe('done');
    expect(target.tries).toHaveLength(4);
    expect(new Set(target.tries.map((one) => one.id)).size).toBe(1);
    expect(target.tries.map((one) => one.replay)).toEqual([false, true, true, true]);
    expect(told.filter(([name]) => name === 'publish:retry')).toHaveLength(3);
  });

  it('waits as long as the target asks for', async () => {
    const { lane, target, soft, run, clock } = laneRig();
    let first = true;
    target.mood = () => {
      if (!first) return;
      first = false;
      throw new Fault('retryable', 'http_status', 'HTTP 429', { retryAfterMs: 5_000 });
    };
    void lane.offer({ key: '1', items: samples('a'), replay: false });
    soft.abort();
    const running = run();

    await settle();
    await clock.advance(4_999);
    const before = target.tries.length;
    await clock.advance(1_000);
    await running;

    expect([before, target.tries.length]).toEqual([1, 2]);
  });

  it('leaves a target alone that failed often, and says when it opens and closes the breaker', async () => {
    const { lane, target, soft, run, clock, told } = laneRig();
    target.mood = away;
    void lane.offer({ key: '1', items: samples('a'), replay: false });
    soft.abort();
    const running = run();
    await settle();

    await clock.advance(20_000);
    expect(lane.status().breaker).not.toBe('closed');
    target.mood = () => undefined;
    await clock.advance(120_000);
    await running;

    const names = told.map(([name]) => name);
    expect(names).toContain('breaker:opened');
    expect(names.at(names.lastIndexOf('breaker:closed'))).toBe('breaker:closed');
    expect(lane.status()).toMatchObject({ breaker: 'closed', failures: 0 });
  });

  it('asks a target that is away a few times in a minute, even where the jitter says at once', async () => {
    const { lane, target, hard, run, clock } = laneRig({ random: () => 0 });
    target.mood = away;
    void lane.offer({ key: '1', items: samples('a'), replay: false });
    const running = run();
    await settle();

    await clock.advance(60_000);
    hard.abort();
    await running;

    expect(target.tries.length).toBeLessThan(15);
  });

  it('does not tell that an offer arrived while a part of it is under way', async () => {
    const { lane, target, soft, run } = laneRig({ batch: { maxItems: 2, maxBytes: 1_000_000, lingerMs: 0 } });
    let arrive: () => void = () => undefined;
    target.mood = (batch) =>
      batch.items.some((item) => itemId(item) === 'c')
        ? new Promise<void>((resolve) => {
            arrive = resolve;
          })
        : undefined;
    let outcome = 'none';
    const offer = lane.offer({ key: '1', items: samples('a', 'b', 'c'), replay: false }).then((said) => {
      outcome = said;
    });
    soft.abort();
    const running = run();
    await settle();
    expect([target.taken, outcome]).toEqual([['a', 'b'], 'none']);

    arrive();
    await Promise.all([running, offer]);

    expect(outcome).toBe('done');
  });

  it('makes a dead letter of the one bad item and delivers its neighbours, whichever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(60), { maxLength: 6 }), fc.integer({ min: 1, max: 60 }), async (bad, count) => {
        const { lane, target, letters, soft, run } = laneRig({ batch: { maxItems: 25, maxBytes: 1_000_000, lingerMs: 0 } });
        target.mood = (batch) => {
          if (batch.items.some((item) => bad.includes(Number(itemId(item)))))
            throw new Fault('poison', 'http_status', 'HTTP 400');
        };
        const ids = Array.from({ length: count }, (_, i) => String(i));
        const offer = lane.offer({ key: '1', items: samples(...ids), replay: false });
        soft.abort();

        await run();

        expect(await offer).toBe('done');
        expect(target.taken).toEqual(ids.filter((id) => !bad.includes(Number(id))));
        expect(letters.map((letter) => letter.messageId)).toEqual(ids.filter((id) => bad.includes(Number(id))));
        for (const letter of letters)
          expect(letter).toMatchObject({
            stage: 'publish',
            reason: 'http_status',
            sink: 'sink',
            publisher: 'target',
            firstSeen: 1_000,
          });
      }),
    );
  });

  it('makes dead letters of those that the target names, without publishing the others again', async () => {
    const { lane, target, letters, soft, run } = laneRig();
    target.mood = () => {
      throw new PartialFault(new Map([[1, 'no such metric']]));
    };
    const offer = lane.offer({ key: '1', items: samples('a', 'b', 'c'), replay: false });
    soft.abort();

    await run();

    expect(await offer).toBe('done');
    expect(target.tries).toHaveLength(1);
    expect(letters.map((letter) => [letter.messageId, letter.message])).toEqual([['b', 'no such metric']]);
  });

  it('buries an item that JSON cannot say and delivers the others', async () => {
    const { lane, target, letters, soft, run } = laneRig();
    const infinite = { ...sample('b'), volume: new Float(Number.POSITIVE_INFINITY) };
    const offer = lane.offer({ key: '1', items: [sample('a'), infinite, sample('c')], replay: false });
    soft.abort();

    await run();

    expect(await offer).toBe('done');
    expect(target.taken).toEqual(['a', 'c']);
    expect(letters.map((letter) => [letter.messageId, letter.reason])).toEqual([['b', 'unspeakable']]);
    expect(new TextDecoder().decode(letters[0]?.body)).toContain('"volume":"Infinity"');
  });

  it('waits until a dead letter is on disk before it goes on', async () => {
    const order: string[] = [];
    let full = true;
    const { lane, target, soft, run, clock } = laneRig({
      deadLetters: {
        record: async () => {
          if (full) throw new Fault('retryable', 'enospc', 'full');
          order.push('letter');
          return '1';
        },
      },
    });
    target.mood = () => {
      throw new Fault('poison', 'http_status', 'HTTP 400');
    };
    const offer = lane.offer({ key: '1', items: samples('a'), replay: false }).then(() => order.push('done'));
    soft.abort();
    const running = run();
    await settle();

    await clock.advance(5_000);
    expect(order).toEqual([]);
    full = false;
    await clock.advance(20_000);
    await Promise.all([running, offer]);

    expect(order).toEqual(['letter', 'done']);
  });

  it('ends with the fault of a publisher that must not go on, and leaves what waits', async () => {
    const { lane, target, run } = laneRig();
    target.mood = () => {
      throw new Fault('fatal', 'stdout_closed', 'gone');
    };
    const offer = lane.offer({ key: '1', items: samples('a'), replay: false });

    await expect(run()).rejects.toMatchObject({ code: 'stdout_closed' });

    expect(await offer).toBe('left');
    expect(await lane.offer({ key: '2', items: samples('b'), replay: false })).toBe('left');
  });

  it('leaves at once on a hard stop, even while the target hangs', async () => {
    const { lane, target, hard, run } = laneRig();
    target.mood = (_batch, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    const offers = [1, 2].map((n) => lane.offer({ key: String(n), items: samples(String(n)), replay: false }));
    const running = run();
    await settle();

    hard.abort();
    await running;

    expect(await Promise.all(offers)).toEqual(['left', 'left']);
  });

  it('drains on a soft stop, however often the target fails before', async () => {
    const { lane, target, soft, run, clock } = laneRig();
    let failures = 4;
    target.mood = () => failures-- > 0 && away();
    const offer = lane.offer({ key: '1', items: samples('a'), replay: false });
    const running = run();
    await settle();

    soft.abort();
    await clock.advance(60_000);
    await running;

    expect(await offer).toBe('done');
  });

  it('says that it is full at its bound and wakes who waits once there is room', async () => {
    const { lane, target, soft, run, clock, told } = laneRig({ maxOutboxBytes: 100 });
    target.mood = away;
    void lane.offer({ key: '1', items: samples('a'), replay: false });
    const running = run();
    await settle();
    expect(lane.full()).toBe(true);
    let room = false;
    const waiting = lane.whenRoom(new AbortController().signal).then(() => {
      room = true;
    });
    await clock.advance(2_000);
    expect(room).toBe(false);

    target.mood = () => undefined;
    await clock.advance(60_000);
    await waiting;
    soft.abort();
    await running;

    expect(lane.full()).toBe(false);
    expect(told.map(([name]) => name).filter((name) => name === 'publish:full' || name === 'publish:room')).toEqual([
      'publish:full',
      'publish:room',
    ]);
  });

  it('stops waiting for room when told to stop', async () => {
    const { lane } = laneRig({ maxOutboxBytes: 100 });
    void lane.offer({ key: '1', items: samples('a'), replay: false });
    const stop = new AbortController();
    const waiting = lane.whenRoom(stop.signal);

    stop.abort();

    await expect(waiting).resolves.toBeUndefined();
  });

  it('drops and counts at its bound where that was asked for', async () => {
    const { lane, told } = laneRig({ maxOutboxBytes: 100, onFull: 'drop' });
    void lane.offer({ key: '1', items: samples('a'), replay: false });

    expect(await lane.offer({ key: '2', items: samples('b', 'c'), replay: false })).toBe('done');

    expect(told).toContainEqual(['publish:dropped', { sink: 'sink', publisher: 'target', reason: 'outbox_full', items: 2 }]);
  });

  it('lingers for a batch to fill where that was asked for', async () => {
    const { lane, target, soft, run, clock } = laneRig({ batch: { maxItems: 3, maxBytes: 1_000_000, lingerMs: 50 } });
    const running = run();
    void lane.offer({ key: '1', items: samples('a'), replay: false });
    await clock.advance(49);
    expect(target.tries).toEqual([]);
    void lane.offer({ key: '2', items: samples('b', 'c'), replay: false });
    await settle();
    expect(target.tries.map((one) => one.ids)).toEqual([['a', 'b', 'c']]);

    void lane.offer({ key: '3', items: samples('d'), replay: false });
    await settle();
    await clock.advance(50);
    await settle();
    soft.abort();
    await running;

    expect(target.taken).toEqual(['a', 'b', 'c', 'd']);
  });
});
