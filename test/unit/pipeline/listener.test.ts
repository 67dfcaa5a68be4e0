import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../../src/inputs/input.ts';
import { ManualClock } from '../../../src/lib/manual-clock.ts';
import { Fault } from '../../../src/model/faults.ts';
import { Intake } from '../../../src/pipeline/intake.ts';
import { latch, message, Rig, until } from './listener-rig.ts';

const lost = () => new Fault('retryable', 'settlements_lost', 'the connection was lost');

describe('a listener', () => {
  it('acknowledges only what its topic has confirmed', async () => {
    const rig = new Rig();
    const append = latch();
    rig.append = () => append.promise;
    await rig.deliver(message('a'), message('b'));
    await until(() => rig.tally.received === 2);
    expect(rig.story).toEqual([]);

    append.open();
    await rig.end();

    expect(rig.story).toEqual(['append boot:1', 'settle a', 'settle b']);
  });

  it('acknowledges a dead letter only when it is on disk', async () => {
    const rig = new Rig();
    const disk = latch();
    rig.record = () => disk.promise;
    await rig.deliver('{');
    await until(() => rig.tally.letters === 1);
    expect(rig.story).toEqual([]);

    disk.open();
    await rig.end();

    expect(rig.story).toEqual(['letter bad_json', 'settle {']);
  });

  it('gives back what it could not make durable when it must leave', async () => {
    const rig = new Rig();
    rig.append = () =>
      new Promise((_, reject) => rig.hard.signal.addEventListener('abort', () => reject(rig.hard.signal.reason)));
    await rig.deliver(message('a'));
    await until(() => rig.tally.received === 1);

    rig.hard.abort(new Error('leave now'));
    await rig.ended;

    expect(rig.story).toEqual(['back a']);
  });

  it('gives back what it never took up too when it must leave', async () => {
    const rig = new Rig({ maxBatch: 1 });
    const append = latch();
    rig.append = () => append.promise;
    await rig.deliver(message('a'), message('b'), message('c'));
    await until(() => rig.tally.received === 1);

    rig.hard.abort(new Error('leave now'));
    append.open();
    await rig.ended;

    expect(rig.story).toEqual(['append boot:1', 'settle a', 'back b', 'back c']);
  });

  it('lets nobody wait for room when it must leave', async () => {
    const rig = new Rig({ maxBatch: 1, intake: new Intake<Delivery>(1) });
    const append = latch();
    rig.append = () => append.promise;
    const delivering = rig.deliver(message('a'), message('b'));
    await until(() => rig.tally.received === 1);

    rig.hard.abort(new Error('leave now'));
    append.open();

    await expect(delivering).rejects.toThrow('leave now');
  });

  it('gives back everything, also what still waits, when it fails', async () => {
    const rig = new Rig({ maxBatch: 1 });
    const append = latch();
    rig.append = () => append.promise;
    await rig.deliver(message('a'), message('b'));
    await until(() => rig.tally.received === 1);

    append.fail(new Fault('fatal', 'broken', 'nothing works'));

    await expect(rig.ended).rejects.toMatchObject({ code: 'broken' });
    expect(rig.story).toEqual(['back a', 'back b']);
    await expect(rig.deliver(message('c'))).rejects.toMatchObject({ code: 'broken' });
  });

  it('makes a dead letter of what it cannot read, and its neighbours pass', async () => {
    const rig = new Rig();
    await rig.deliver(message('a'), '{', message('b', { throws: true }), message('c'));
    await rig.end();

    expect(rig.letters.map((letter) => letter.reason)).toEqual(['bad_json', 'unexpected']);
    expect(rig.entries[0]?.notifications.map((part) => part.id)).toEqual(['a', 'c']);
    expect(rig.story.filter((line) => line.startsWith('settle'))).toHaveLength(4);
  });

  it('keeps the body of a dead letter, though whoever delivered it lets go of it once it is read', async () => {
    const rig = new Rig();
    await rig.deliver('{', message('b', { throws: true }));
    await rig.end();

    const texts = rig.letters.map(({ body }) => new TextDecoder().decode(body as Uint8Array));
    expect(texts).toEqual(['{', JSON.stringify(message('b', { throws: true }))]);
  });

  it('makes a dead letter of a sample that no entry can hold, and its neighbours pass', async () => {
    const rig = new Rig();
    await rig.deliver(message('a'), message('b', { infinite: true }), message('c'));
    await rig.end();

    expect(rig.letters).toMatchObject([{ reason: 'unspeakable', messageId: 'b', sink: 's' }]);
    expect(rig.entries).toHaveLength(1);
    expect(rig.entries[0]?.notifications.map((part) => [part.id, part.items.length])).toEqual([
      ['a', 1],
      ['b', 0],
      ['c', 1],
    ]);
  });

  it('waits for a full disk instead of ending the agent', async () => {
    const rig = new Rig();
    let tries = 0;
    rig.record = async () => {
      tries += 1;
      if (tries < 3) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
    };
    await rig.deliver('{');
    await rig.end();

    expect(rig.story).toEqual(['letter bad_json', 'settle {']);
  });

  it('gives back what Ceilometer would take for ever, and acknowledges its neighbours', async () => {
    const rig = new Rig();
    await rig.deliver(message('a'), message('b', { requeue: true }));
    await rig.end();

    expect(rig.story).toEqual(['append boot:1', 'settle a', 'back b']);
  });
});

describe('what Ceilometer would take for ever', () => {
  it('goes back after a pause, in which its neighbours pass: at once, it would turn in a hot loop', async () => {
    const clock = new ManualClock();
    const rig = new Rig({ clock });
    rig.againWhenGivenBack = true;
    await rig.deliver(message('a', { requeue: true }));
    await until(() => rig.tally.received === 1);
    await clock.advance(999);
    await rig.deliver(message('b'));
    await until(() => rig.story.includes('settle b'));
    expect(rig.tally.received).toBe(2);
    expect(rig.story).not.toContain('back a');

    for (let seconds = 1; seconds <= 5; seconds++) {
      await clock.advance(1_000);
      await until(() => rig.tally.received === 2 + seconds);
    }

    expect(rig.story.filter((line) => line === 'back a')).toHaveLength(5);
    await rig.end();
  });

  it.each([
    ['the input ends', (rig: Rig) => rig.intake.end()],
    ['it must leave', (rig: Rig) => rig.hard.abort(new Error('leave now'))],
  ])('goes back without the pause, and once, when %s', async (_when, leave) => {
    const clock = new ManualClock();
    const rig = new Rig({ clock });
    await rig.deliver(message('a', { requeue: true }));
    await until(() => rig.tally.received === 1);

    leave(rig);
    await rig.ended;
    await clock.advance(5_000);

    expect(rig.story).toEqual(['back a']);
  });

  it('goes back when the listener fails', async () => {
    const rig = new Rig({ clock: new ManualClock() });
    rig.append = async () => {
      throw new Fault('fatal', 'broken', 'nothing works');
    };
    await rig.deliver(message('a', { requeue: true }));
    await until(() => rig.tally.received === 1);
    await rig.deliver(message('b'));

    await expect(rig.ended).rejects.toMatchObject({ code: 'broken' });
    expect([...rig.story].sort()).toEqual(['back a', 'back b']);
  });
});

describe('a canary', () => {
  const canary = (payload: object) => message('canary', payload as never, 'ceilograph.canary');

  it('stands behind everything that came with it, in every partition', async () => {
    const rig = new Rig();
    const sent = Date.now() - 10;
    await rig.deliver(canary({ sent_at: sent }), message('a'));
    await rig.end();

    expect(rig.entries.map((entry) => [entry.seq, entry.notifications.length, entry.canaries])).toEqual([
      [1, 1, []],
      [2, 0, [['in/q', sent]]],
    ]);
  });

  it('that says no time is a dead letter like any message of others', async () => {
    const rig = new Rig();
    await rig.deliver(canary({}), canary({ sent_at: 'soon' }), canary({ sent_at: -1 }), message('a'));
    await rig.end();

    expect(rig.letters.map((letter) => letter.reason)).toEqual(['bad_canary', 'bad_canary', 'bad_canary']);
    expect(rig.entries.map((entry) => entry.seq)).toEqual([1]);
  });

  it('never shows a feed alive beyond now', async () => {
    const rig = new Rig();
    await rig.deliver(canary({ sent_at: Number.MAX_SAFE_INTEGER }));
    await rig.end();

    expect(rig.entries[0]?.canaries[0]?.[1]).toBeLessThanOrEqual(Date.now());
  });
});

describe('the proof of acknowledgements', () => {
  it('goes into the next entry, and one is under way at a time', async () => {
    const rig = new Rig({ maxBatch: 1 });
    const proofs: ReturnType<typeof latch>[] = [];
    rig.prove = () => {
      const proof = latch();
      proofs.push(proof);
      return proof.promise;
    };
    await rig.deliver(message('a'));
    await until(() => rig.story.includes('settle a'));
    await rig.deliver(message('b'));
    await until(() => rig.story.includes('settle b'));
    expect(proofs).toHaveLength(1);

    proofs[0]?.open();
    await rig.deliver(message('c'));
    await until(() => rig.story.includes('settle c'));

    expect(rig.entries.map((entry) => [entry.seq, entry.proven])).toEqual([
      [1, 0],
      [2, 0],
      [3, 1],
    ]);
    for (const proof of proofs) proof.open();
    await rig.end();
  });

  it('that failed is made up for by a later one', async () => {
    const rig = new Rig({ maxBatch: 1 });
    const answers = [Promise.reject(new Fault('retryable', 'enospc', 'the position is not written')), Promise.resolve()];
    for (const answer of answers) answer.catch(() => undefined);
    rig.prove = () => answers.shift() ?? Promise.resolve();
    await rig.deliver(message('a'), message('b'), message('c'));
    await rig.end();

    expect(rig.entries.map((entry) => [entry.listener, entry.seq, entry.proven])).toEqual([
      ['boot', 1, 0],
      ['boot', 2, 0],
      ['boot', 3, 2],
    ]);
    expect(rig.tally.unproven).toBe(1);
  });

  it('is never given for what was delivered before the connection was lost, though it was taken up after', async () => {
    const rig = new Rig({ maxBatch: 1 });
    const firstProof = latch();
    const secondAppend = latch();
    rig.prove = () => firstProof.promise;
    await rig.deliver(message('a'));
    await until(() => rig.story.includes('settle a'));
    rig.append = () => secondAppend.promise;
    await rig.deliver(message('b'), message('c'));

    firstProof.fail(lost());
    rig.prove = async () => undefined;
    secondAppend.open();
    await until(() => rig.story.includes('settle c'));
    await rig.deliver(message('d'), message('e'));
    await rig.end();

    expect(rig.entries.map((entry) => [entry.listener, entry.seq, entry.proven])).toEqual([
      ['boot', 1, 0],
      ['boot', 2, 0],
      ['boot', 3, 0],
      ['boot.1', 1, 0],
      ['boot.1', 2, 1],
    ]);
  });

  it('is never given for what was delivered before the connection was lost, though its batch is passed on in portions', async () => {
    const rig = new Rig({ limits: { maxMessageBytes: 2 << 20, maxDepth: 32, maxString: 2 << 20, maxSamplesPerNotification: 1 } });
    const firstProof = latch();
    const portion = latch();
    rig.prove = () => firstProof.promise;
    await rig.deliver(message('a'));
    await until(() => rig.story.includes('settle a'));
    rig.append = () => portion.promise;
    const large = { text: 'x'.repeat(1.9 * 1024 * 1024) };
    await rig.deliver(...['b', 'c', 'd', 'e', 'f', 'g'].map((id) => message(id, large)));
    await until(() => rig.tally.received > 1);

    firstProof.fail(lost());
    rig.prove = async () => undefined;
    portion.open();
    await until(() => rig.story.includes('settle g'));
    await rig.deliver(message('h'));
    await rig.end();

    expect(rig.entries.map((entry) => [entry.listener, entry.notifications.map((part) => part.id).join('')])).toEqual([
      ['boot', 'a'],
      ['boot', 'bcdef'],
      ['boot', 'g'],
      ['boot.1', 'h'],
    ]);
  });

  it('does not hold up the end when it must leave', async () => {
    const rig = new Rig();
    rig.prove = () => new Promise(() => undefined);
    await rig.deliver(message('a'));
    await until(() => rig.story.includes('settle a'));

    rig.intake.end();
    rig.hard.abort(new Error('leave now'));

    await rig.ended;
  });
});

describe('a batch', () => {
  it('waits for more only after a large one, so that a trickle goes on at once and a stream is gathered', async () => {
    const clock = new ManualClock();
    const rig = new Rig({ clock, lingerMs: 50, lingerFrom: 3 });
    await rig.deliver(message('a'));
    await until(() => rig.story.includes('settle a'));
    await rig.deliver(message('b'), message('c'), message('d'));
    await until(() => rig.story.includes('settle d'));

    await rig.deliver(message('e'));
    await clock.advance(49);
    await rig.deliver(message('f'));
    expect(rig.story).not.toContain('append boot:3');
    await clock.advance(1);
    await until(() => rig.story.includes('settle f'));

    expect(rig.entries.map((entry) => entry.notifications.map((part) => part.id).join(''))).toEqual(['a', 'bcd', 'ef']);
    await rig.end();
  });
});

describe('a large batch', () => {
  it('becomes entries that every broker takes, and what no entry can carry a dead letter', async () => {
    const large = (letters: number) => ({ grows: 'x'.repeat(letters) });
    const limits = { maxMessageBytes: 32 << 20, maxDepth: 32, maxString: 32 << 20, maxSamplesPerNotification: 100 };
    const rig = new Rig({ limits });
    await rig.deliver(message('a', large(8 << 20)), message('b', large(8 << 20)), message('c', large(15 << 20)), message('d'));
    await until(() => rig.story.includes('settle d'));
    await rig.end();

    const sizes = rig.entries.map((entry) => entry.notifications.map(({ id, items }) => `${id}${items.length}`).join(' '));
    expect(sizes.join(' ')).toBe('a1 b1 c0 d1');
    expect(sizes).not.toContain('a1 b1');
    expect(rig.letters.map(({ reason, messageId }) => [reason, messageId])).toEqual([['entry_too_large', 'c']]);
  });
});
