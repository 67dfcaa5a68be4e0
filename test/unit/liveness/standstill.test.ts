import { describe, expect, it } from 'vitest';
import { hostWith, World } from './world.ts';

describe('while an input cannot be heard', () => {
  it('nobody is late, and that is told once', () => {
    const world = new World();
    const hosts = Array.from({ length: 50 }, (_, i) => `h${i}`);
    for (const host of hosts) world.define(hostWith(host, { uptime: 30 }));
    for (const host of hosts) world.report(host, 'uptime');
    world.until(20);

    world.stand(600);

    expect(world.told.filter(({ kind }) => kind !== 'state').map(({ kind }) => kind)).toEqual(['feed']);
  });

  it('nobody who comes back within an interval of its return is told of, and who does not is', () => {
    const world = new World();
    for (const host of ['here', 'gone']) {
      world.define(hostWith(host, { uptime: 30 }));
      world.report(host, 'uptime');
    }
    world.until(29);
    world.stand(600);
    world.until(58);
    world.report('here', 'uptime');
    world.until(75);

    expect(world.told.filter(({ kind }) => kind === 'down').map(({ host, second }) => `${host} ${second}`)).toEqual(['gone 71']);
  });

  it('a restart of its partition changes neither', () => {
    const world = new World();
    world.define(hostWith('h', { uptime: 30 }));
    world.report('h', 'uptime');
    world.until(20);
    world.stand(30);
    world.restart();
    world.stand(30);
    world.until(59);

    expect(world.told.filter(({ kind }) => kind !== 'state').map(({ kind }) => kind)).toEqual(['feed']);
  });
});

describe('a clock that is stepped', () => {
  it.each([3_600_000, -3_600_000])('by %i ms makes nobody late', (ms) => {
    const world = new World();
    world.define(hostWith('h', { uptime: 30 }));
    for (let second = 0; second < 200; second += 30) {
      world.until(second);
      if (second === 90) world.wallMs += ms;
      world.report('h', 'uptime');
    }

    expect(world.told.filter(({ kind }) => kind === 'down')).toEqual([]);
  });
});

describe('a host that is no longer expected', () => {
  it('takes what was told of it along', () => {
    const world = new World();
    world.define(hostWith('h', { uptime: 30, cpu: 60 }));
    world.report('h', 'uptime');
    world.report('h', 'cpu');
    world.until(50);
    world.roster([]);

    expect(world.lines.slice(-3)).toEqual(['41 down 1->3 uptime_late uptime', '50 state 3->1 removed', '50 up 3->1 removed']);
    expect(world.told.at(-1)?.incident).toBe(world.told.at(-3)?.incident);
  });

  it('is one whose service is no longer expected: what was late ends with it', () => {
    const world = new World();
    world.define(hostWith('h', { uptime: 300, cpu: 30, disk: 300 }));
    for (const service of ['uptime', 'cpu', 'disk']) world.report('h', service);
    world.until(50);
    world.define(hostWith('h', { uptime: 300, disk: 300 }));
    world.until(60);

    expect(world.lines.slice(-2)).toEqual(['50 state 5->1 reporting', '50 back 5->1 reporting cpu']);
  });
});

describe('a maintenance', () => {
  it('keeps quiet, and gives everything its whole time when it is over', () => {
    const world = new World();
    const at = (second: number) => world.wallMs + second * 1_000;
    world.define(hostWith('h', { uptime: 30 }, { maintenance: [{ from: at(20), until: at(300), reason: 'move' }] }));
    world.report('h', 'uptime');
    world.until(400);

    expect(world.lines).toEqual([
      '0 state 0->1 reporting',
      '20 state 1->4 maintenance',
      '300 state 4->1 reporting',
      '341 state 1->3 uptime_late',
      '341 down 1->3 uptime_late uptime',
    ]);
  });

  it('may be asked for by somebody, and ended', () => {
    const world = new World();
    world.define(hostWith('h', { uptime: 30 }));
    world.report('h', 'uptime');
    world.maintain('h', world.wallMs + 1_000_000);
    world.until(100);
    world.maintain('h', 0);
    world.until(120);
    world.report('h', 'uptime');

    expect(world.lines).toEqual(['0 state 0->1 reporting', '0 state 1->4 maintenance', '100 state 4->1 reporting']);
  });
});

describe('a trigger', () => {
  it('fires and clears by its own expressions, and is left alone by data that it cannot read', () => {
    const world = new World();
    const trigger = { id: 'busy', service: 'cpu', expression: 'load1 > 8', recovery: 'load1 < 4', severity: 'critical' };
    world.define(hostWith('h', { cpu: 60 }, { triggers: [trigger] }));
    for (const load1 of [1, 9, 6, 9, 3, 5]) world.report('h', 'cpu', { load1 });
    world.report('h', 'cpu', { load1: 'a lot' });

    expect(world.lines).toEqual([
      '0 state 0->1 reporting',
      '0 state 1->5 trigger:busy',
      '0 fired 1->5 trigger:busy busy',
      '0 state 5->1 reporting',
      '0 cleared 5->1 reporting busy',
    ]);
    expect(world.dropped.get('trigger_failed')).toBe(1);
  });
});

describe('a host that goes to and fro', () => {
  it('needs more reports in time to be back', () => {
    const world = new World({ recoverAfterFlapping: 2 });
    world.define(hostWith('h', { uptime: 10 }));
    for (let i = 0; i < 6; i++) {
      world.report('h', 'uptime');
      world.until(world.second + 25);
    }
    const before = world.told.length;
    world.report('h', 'uptime');
    const after = world.told.length;
    world.until(world.second + 5);
    world.report('h', 'uptime');

    expect(after).toBe(before);
    expect(world.told.at(-1)?.kind).toBe('up');
  });

  it('of fifty of a hundred, each is told by turns and nobody else at all', () => {
    const world = new World();
    for (let i = 0; i < 100; i++) world.define(hostWith(`h${i}`, { uptime: 10 }));
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 100; i++) if (i >= 50 || round % 4 < 2) world.report(`h${i}`, 'uptime');
      world.until(world.second + 10);
    }

    for (let i = 0; i < 100; i++) {
      const kinds = world.told.filter(({ host, kind }) => host === `h${i}` && kind !== 'state').map(({ kind }) => kind);
      expect(kinds.every((kind, n) => kind === (n % 2 === 0 ? 'down' : 'up'))).toBe(true);
      expect(kinds.length > 0).toBe(i < 50);
    }
  });
});
