import { describe, expect, it } from 'vitest';
import type { LivingMember } from '../../../src/coordination/group.ts';
import { Membership } from '../../../src/pipeline/membership.ts';

const timing = { debounceMs: 3_000, heartbeatMs: 3_000, leaseTtlMs: 10_000 };

/** Each with how long it is a member still; one that leaves has no weight. */
function living(names: Readonly<Record<string, number>>, leaving = ''): readonly LivingMember[] {
  return Object.entries(names).map(([agent, endsInMs]) => ({
    member: { agent, boot: 'b', weight: agent === leaving ? 0 : 1, protocol: 1, build: 't', host: 'h', pid: 1, facts: {} },
    endsInMs,
  }));
}

/** Somebody who has looked every 3 s until `till`, at two that never changed. */
function afterLooking(till: number, before: (membership: Membership, at: number) => void = () => undefined): Membership {
  const membership = new Membership(timing, 0);
  for (let at = 0; at <= till; at += 3_000) {
    before(membership, at);
    membership.saw(living({ a: 10_000, b: 10_000 }), at);
  }
  return membership;
}

describe('membership', () => {
  it('is settled once nobody came for as long as several may take to come', () => {
    const membership = new Membership(timing, 0);
    membership.saw(living({ a: 10_000 }), 0);
    membership.saw(living({ a: 10_000, b: 10_000 }), 2_000);

    expect([membership.isSettled(4_999), membership.isSettled(5_000)]).toEqual([false, true]);
  });

  it('is settled at once without one that has gone', () => {
    const membership = afterLooking(12_000);

    membership.saw(living({ a: 10_000 }), 15_000);

    expect([membership.isSettled(15_000), membership.hasChanged(15_000)]).toEqual([true, true]);
  });

  it('waits for all of them after the group was out of reach', () => {
    const membership = afterLooking(30_000, (each, at) => at === 24_000 && each.lostTouch(at));

    membership.saw(living({ a: 10_000 }), 33_000);

    expect([membership.isSettled(33_000), membership.isSettled(36_000)]).toEqual([false, true]);
  });

  it('waits for all of them after a sleep of its own', () => {
    const membership = afterLooking(30_000);

    membership.saw(living({ a: 10_000 }), 90_000);

    expect(membership.isSettled(90_000)).toBe(false);
  });

  it('is not settled while one of them leaves', () => {
    const membership = afterLooking(30_000);

    membership.saw(living({ a: 10_000, b: 10_000 }, 'b'), 33_000);

    expect(membership.isSettled(33_000)).toBe(false);
  });

  it('is looked at again a heartbeat later, or as soon as the next silent one is gone', () => {
    const membership = afterLooking(12_000);
    const next = membership.nextLookInMs(12_000);

    membership.saw(living({ a: 10_000, b: 1_200 }), 15_000);

    expect([next, membership.nextLookInMs(15_100)]).toEqual([3_000, 1_110]);
  });

  it('is looked at again a heartbeat later while the group is out of reach, whoever would be gone by then', () => {
    const membership = afterLooking(12_000);

    membership.lostTouch(30_000);

    expect(membership.nextLookInMs(30_000)).toBe(3_000);
  });

  it('is never looked at again at once: who is overdue may be there for a moment longer', () => {
    const membership = afterLooking(12_000);

    membership.saw(living({ a: 10_000, b: -500 }), 15_000);

    expect(membership.nextLookInMs(15_000)).toBe(10);
  });
});
