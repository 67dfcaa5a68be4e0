import { describe, expect, it } from 'vitest';
import { vectors } from './vectors.ts';
import { hostWith, World } from './world.ts';

/** What should have been told where the original went wrong. */
const expected: Readonly<Record<string, readonly string[]>> = {
  A: ['1 state 0->1 reporting'],
  B: ['1 state 0->1 reporting', '312 state 1->3 uptime_late', '312 down 1->3 uptime_late uptime'],
  C: ['1 state 0->1 reporting', '312 state 1->3 uptime_late', '312 down 1->3 uptime_late uptime'],
  D: [
    '1 state 0->1 reporting',
    '312 state 1->3 uptime_late',
    '312 down 1->3 uptime_late uptime',
    '701 state 3->1 reporting',
    '701 up 3->1 reporting',
  ],
  E: ['121 state 0->5 never_reported', '121 down 0->5 never_reported uptime'],
  F: ['101 state 0->1 reporting'],
  G: ['1 state 0->1 reporting', '3612 state 1->5 all_services_late', '3612 late 1->5 all_services_late disk'],
};

describe('the cases the original went wrong in', () => {
  it.each(vectors)('are told once and rightly: $id', ({ id, services, reports, seconds }) => {
    const world = new World();
    world.define(hostWith('h', services));
    const waiting = [...reports].sort(([a], [b]) => a - b);

    for (let second = 1; second < seconds; second++) {
      while ((waiting[0]?.[0] ?? Number.POSITIVE_INFINITY) <= second) {
        const [at, service] = waiting.shift() as [number, string];
        world.until(at);
        world.report('h', service);
      }
      world.until(second);
    }

    expect(world.lines).toEqual(expected[id]);
    expect(new Set(world.told.map((told) => told.id)).size).toBe(world.told.length);
  });

  it('attach what is late with the host to it', () => {
    const world = new World();
    world.define(hostWith('h', { uptime: 30, cpu: 60 }));
    for (let second = 1; second <= 271; second += 30) {
      world.until(second);
      world.report('h', 'uptime');
      if (second <= 241) world.report('h', 'cpu');
    }

    world.until(320);

    expect(world.told.find(({ kind }) => kind === 'down')).toMatchObject({
      service: 'uptime',
      attached: ['cpu'],
      silentMs: 41_000,
      allowedMs: 40_000,
    });
  });
});
