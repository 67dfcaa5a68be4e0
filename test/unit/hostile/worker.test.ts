import { afterEach, describe, expect, it } from 'vitest';
import type { SinkConfig } from '../../../src/config/sink-config.ts';
import { itemId } from '../../../src/model/item.ts';
import { KeepingLane, openWorld, sample, steps } from './worker-rig.ts';

const worlds: Awaited<ReturnType<typeof openWorld>>[] = [];

async function world(sinkSteps: SinkConfig['steps']) {
  const opened = await openWorld(sinkSteps);
  worlds.push(opened);
  return opened;
}

afterEach(async () => {
  for (const opened of worlds.splice(0)) await opened.close();
});

const names = (lane: KeepingLane) => lane.items.map((item) => ('name' in item ? item.name : ''));

describe('a worker among items that cannot be written down', () => {
  it.each([
    ['an infinite volume', '1e400 if volume == 2 else volume', 2],
    ['a volume that is no number any more', '(1e400 - 1e400) if volume == 2 else volume', 2],
    ['an integer of more digits than any reader takes', 'volume ** 200', 10n ** 40n],
  ])('makes a dead letter of %s, and its neighbours pass', async (_title, scale, volume) => {
    const { append, own, deadLetters, outboxItems } = await world(steps({ unit_conversion: { target: { name: 'x', scale } } }));
    await append([sample('a'), sample('b', { volume }), sample('c')], [sample('d')]);
    const lane = new KeepingLane();

    await own('first', lane, async () => lane.items.length === 3 && (await outboxItems()) === 0);

    expect(names(lane)).toEqual(['x', 'x', 'x']);
    expect(deadLetters.stats().byReason).toEqual({ [volume === 2 ? 'unspeakable' : 'transformer_error']: 1 });
  });

  it.each([
    ['a type that is none', { type: 'sometimes' }, 'type is "sometimes", expected gauge, delta, cumulative'],
    ['a name that is a number', { name: 5 }, 'name is 5, expected a text'],
  ])('makes a dead letter of %s, so that the next owner can read the outbox back', async (_title, target, message) => {
    const { append, own, deadLetters } = await world([
      ...steps({ filter: { where: 'volume > 0' } }),
      ...steps({ unit_conversion: { source: { unit: 'B' }, target } }),
    ]);
    await append([sample('a'), sample('b', { unit: 'B' }), sample('c')]);
    const away = new KeepingLane(false);
    await own('first', away, () => away.items.length === 2);
    const lane = new KeepingLane();

    await own('second', lane, () => lane.items.length === 2);

    expect(lane.items.map(itemId)).toEqual(['a', 'c']);
    expect(deadLetters.list().map((letter) => [letter.reason, letter.message])).toEqual([['unspeakable', message]]);
  });

  it('writes a letter about an item that fails and has no line itself', async () => {
    const { append, own, deadLetters } = await world(
      steps({ unit_conversion: { target: { scale: '1e400' } }, rename: { name: { x: 'y' } }, rate_of_change: {} }),
    );
    await append([sample('a'), sample('b', { timestamp: 'never' })]);

    await own('first', new KeepingLane(), () => deadLetters.stats().letters === 1);

    const [letter] = deadLetters.list();
    expect(letter).toMatchObject({ stage: 'transform', reason: 'transformer_error' });
    expect(JSON.stringify(letter?.body)).toContain('Infinity');
  });

  it('keeps an infinite volume in its state and goes on from there', async () => {
    const { append, own, deadLetters } = await world(
      steps({ unit_conversion: { target: { scale: '1e400 if volume == 1 else volume' } }, delta: {} }),
    );
    const at = (second: number) => ({ volume: second, timestamp: `2026-01-01T00:00:0${second}` });
    await append([sample('a', at(1)), sample('b', at(2))]);
    await own('first', new KeepingLane(), () => deadLetters.stats().letters === 1);
    await append([sample('c', at(5))]);
    const lane = new KeepingLane();

    await own('second', lane, () => lane.items.length === 1);

    expect(lane.items).toEqual([expect.objectContaining({ volume: 3 })]);
    expect(deadLetters.stats().byReason).toEqual({ unspeakable: 1 });
  });
});
