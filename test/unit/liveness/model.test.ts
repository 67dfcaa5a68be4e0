import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Naive } from './naive.ts';
import { hostWith, World } from './world.ts';

const services = fc.constantFrom<Readonly<Record<string, number>>[]>(
  { uptime: 30 },
  { uptime: 30, cpu: 60 },
  { uptime: 30, cpu: 60, disk: 90 },
  { cpu: 20, disk: 45 },
  { uptime: 5, cpu: 300, disk: 20, net: 20 },
);
const host = fc.constantFrom('a', 'b', 'c');

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      host,
      service: fc.constantFrom('uptime', 'cpu', 'disk', 'net'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('report all' as const), host }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 70 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('define' as const), host, services }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('roster' as const), hosts: fc.uniqueArray(host) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deaf' as const), seconds: fc.integer({ min: 7, max: 600 }) }) },
);

describe('the hosts of a partition', () => {
  it('are told of as in a model that looks at everybody every second', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50, size: 'max' }), (steps) => {
        const world = new World({ recoverAfterFlapping: 1 });
        const naive = new Naive();
        world.tick();

        for (const one of steps) {
          if (one.kind === 'wait') {
            for (let i = 0; i < one.seconds; i++) {
              world.until(world.second + 1);
              naive.tick(world.second);
            }
          } else if (one.kind === 'define') {
            world.define(hostWith(one.host, one.services));
            naive.define(one.host, one.services, world.second);
          } else if (one.kind === 'roster') {
            world.roster(one.hosts);
            for (const name of [...naive.hosts.keys()]) if (!new Set<string>(one.hosts).has(name)) naive.remove(name);
          } else if (one.kind === 'report all') {
            const all = ['cpu', 'uptime', 'disk', 'net'];
            world.reportAll(one.host, all);
            for (const service of all) naive.report(one.host, service, world.second);
          } else if (one.kind === 'report') {
            world.report(one.host, one.service);
            naive.report(one.host, one.service, world.second);
          } else if (one.kind === 'restart') world.restart();
          else {
            // Nobody ticks for a while: partition time stands, and then moves on.
            world.wallMs += one.seconds * 1_000;
            naive.resumed = world.second + 1;
            world.until(world.second + 1);
            naive.tick(world.second);
          }
        }

        const told = world.told.flatMap(({ kind, host: name, service, reason }) => {
          if (kind === 'state') return [];
          return [kind === 'down' ? `down ${name} ${reason}` : kind === 'up' ? `up ${name}` : `${kind} ${name} ${service}`];
        });
        // Within one second the order of a host's services is nobody's promise.
        expect([...told].sort()).toEqual([...naive.told].sort());
        const ids = world.told.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        const last = new Map<string, number>();
        world.restart();
        for (const [key, text] of world.stored) if (key.includes('/s:')) last.set(key.slice(-1), JSON.parse(text)[1].status);
        expect(last).toEqual(new Map([...naive.hosts].map(([name, { status }]) => [name, status])));
      }),
      { numRuns: 300 },
    );
  });
});
