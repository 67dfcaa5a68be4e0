import { describe, expect, it } from 'vitest';
import { announce, defaultAnnounce } from '../../../src/core/liveness/announce.ts';
import type { Fact } from '../../../src/core/liveness/announcement.ts';
import { transitionEvent } from '../../../src/core/liveness/items.ts';
import { factsIn, inLots } from '../../../src/core/liveness/lots.ts';
import { createChain } from '../../../src/core/transformers/chain.ts';
import type { Event } from '../../../src/model/event.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { hostWith, World } from './world.ts';

const now = 1_800_000_000_000;

function fact(i: number, more: Partial<Fact> = {}): Fact {
  const who = { host: `h${i}`, born: now + i, address: `10.0.0.${i}`, groups: ['web'], parents: [], seq: i + 1 };
  const moment = { at: now, since: now - i, began: now, incident: `h${i}/1` };
  return { ...who, ...moment, kind: 'down', status: 3, was: 1, reason: 'uptime_late', ...more };
}

const many = (count: number, more?: Partial<Fact>) => Array.from({ length: count }, (_, i) => fact(i, more));

describe('what happens to many hosts at once', () => {
  it('goes in lots, and comes out of them as it was', () => {
    const facts = [
      ...many(150, { service: 'uptime', attached: ['cpu'], silentMs: 90_000, allowedMs: 40_000 }),
      ...many(100, { kind: 'up' }),
    ];

    const lots = inLots(facts, now).map(({ item }) => item as Event);

    expect(lots.map(({ event_type }) => event_type)).toEqual(Array(3).fill('ceilograph.host.lot'));
    expect(lots.flatMap(({ raw }) => factsIn({ raw: JSON.parse(JSON.stringify(raw)) } as Event))).toEqual(facts);
  });

  it('takes a quarter of the room', () => {
    const facts = many(100, {
      service: 'uptime',
      attached: ['cpu', 'disk', 'load', 'memory', 'network', 'processes', 'swap', 'time'],
    });
    const size = (items: readonly unknown[]) => JSON.stringify(items).length;

    expect(size(inLots(facts, now)) * 4).toBeLessThan(
      size(facts.map((one) => transitionEvent('down', one as unknown as JsonObject, now))),
    );
  });

  it('is told under ids that no other has', () => {
    const world = new World();
    for (let i = 0; i < 250; i++) world.define(hostWith(`h${i}`, { uptime: 30 }));
    world.until(200);
    for (let i = 0; i < 250; i++) world.report(`h${i}`, 'uptime');

    expect(world.told.filter(({ kind }) => kind === 'down')).toHaveLength(250);
    expect(new Set(world.told.map(({ id }) => id)).size).toBe(world.told.length);
  });

  it('is known when it comes again', () => {
    const desk = createChain({ cluster: 'c', sink: 'said', steps: [{ transformer: announce, parameters: defaultAnnounce }] });
    const [lot] = inLots(many(3), now).map(({ item }) => item);
    if (lot === undefined) throw new Error('no lot');
    const give = (id: string) => desk.applyNotification(id, [lot], { partition: 0, watermark: 0, now });

    expect(give('a').dropped).toEqual([]);
    expect(give('b').dropped).toEqual([{ reason: 'repeated', count: 3 }]);
  });
});
