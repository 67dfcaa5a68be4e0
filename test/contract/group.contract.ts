import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AcquireResult, AgentIdentity, Group, LeaseToken, Member } from '../../src/coordination/group.ts';
import { killChildren, type Ports, spawnChild, until, type World } from './world.ts';

type GroupWorld = World<Pick<Ports, 'group'>>;

const unit = 'cg.test.sink.g1.p0';
const shortMs = 200;
const longMs = 60_000;
const alice: AgentIdentity = { agent: 'alice', boot: 'alice-1' };
const bob: AgentIdentity = { agent: 'bob', boot: 'bob-1' };

/** What every adapter of the group port owes. */
export function describeGroup(name: string, makeWorld: () => Promise<GroupWorld>): void {
  describe(`group: ${name}`, () => {
    let world: GroupWorld;
    let group: Group;
    let other: Group;

    beforeEach(async () => {
      world = await makeWorld();
      group = (await world.open()).group;
      other = (await world.open()).group;
    });
    afterEach(async () => {
      await killChildren();
      await world.dispose();
    });

    describe('members', () => {
      it('shows a member to everybody, as it described itself', async () => {
        await group.heartbeat(memberOf(alice), longMs);

        expect(await other.members()).toEqual([memberOf(alice)]);
      });

      it('forgets a member that stays silent for its ttl', async () => {
        await group.heartbeat(memberOf(alice), shortMs);
        await group.heartbeat(memberOf(bob), longMs);

        await until(async () => ((await other.members()).length === 1 ? true : undefined));

        expect(await other.members()).toEqual([memberOf(bob)]);
      });

      it('keeps a member that goes on beating', async () => {
        await group.heartbeat(memberOf(bob), shortMs);
        await until(async () => {
          await group.heartbeat(memberOf(alice), shortMs);
          return (await other.members()).some(({ agent }) => agent === 'bob') ? undefined : true;
        });

        expect(await other.members()).toEqual([memberOf(alice)]);
      });

      it('tells when each will be forgotten, counted anew from each of its beats', async () => {
        const endsIn = async () =>
          Object.fromEntries((await other.living()).map(({ member, endsInMs }) => [member.agent, endsInMs]));
        await group.heartbeat(memberOf(alice), longMs);
        await group.heartbeat(memberOf(bob), 3_000);
        const short = await until(async () => ((await endsIn())['bob'] ?? 0) < 2_900 || undefined);
        const before = await endsIn();
        await group.heartbeat(memberOf(bob), 3_000);
        const after = await endsIn();

        expect([short, before['alice']]).toEqual([true, expect.closeTo(longMs, -4)]);
        expect(after['bob']).toBeGreaterThan(before['bob'] ?? 0);
      });

      it('forgets a member that leaves', async () => {
        await group.heartbeat(memberOf(alice), longMs);

        await group.leave(alice);

        expect(await other.members()).toEqual([]);
      });

      it('shows of two boots of one agent the one that was heard last', async () => {
        const again = { ...alice, boot: 'alice-2' };
        const heard: (readonly Member[])[] = [];
        for (const identity of [again, alice, again]) {
          await group.heartbeat(memberOf(identity), longMs);
          heard.push(await other.members());
        }

        expect(heard).toEqual([[memberOf(again)], [memberOf(alice)], [memberOf(again)]]);
      });

      it('ignores a leave of an earlier boot', async () => {
        const again = { ...alice, boot: 'alice-2' };
        await group.heartbeat(memberOf(alice), longMs);
        await group.heartbeat(memberOf(again), longMs);

        await group.leave(alice);

        expect(await other.members()).toEqual([memberOf(again)]);
      });
    });

    describe('plan', () => {
      it('is empty at version 0 to begin with', async () => {
        expect(await group.readPlan()).toEqual({ version: 0, owners: {} });
      });

      it('is committed once per version', async () => {
        const results = await Promise.all([
          group.commitPlan(0, { [unit]: 'alice' }),
          other.commitPlan(0, { [unit]: 'bob' }),
          group.commitPlan(1, { [unit]: 'carol' }),
        ]);

        const plan = await other.readPlan();
        expect(results.slice(0, 2).filter(Boolean)).toHaveLength(1);
        expect(plan.version).toBe(results.filter(Boolean).length);
        expect(await group.commitPlan(0, {})).toBe(false);
        expect(await other.readPlan()).toEqual(plan);
      });
    });

    describe('leases', () => {
      it('are held against every other until they expire', async () => {
        const first = tokenOf(await group.acquire(alice, unit, 1, shortMs));

        const refused = await other.acquire(bob, unit, 1, shortMs);
        const second = await acquireInTheEnd(other, bob);

        expect(refused).toMatchObject({ kind: 'held', by: 'alice' });
        expect(refused.kind === 'held' && refused.expiresInMs > 0 && refused.expiresInMs <= shortMs).toBe(true);
        expect(second.epoch).toBeGreaterThan(first.epoch);
      });

      it('are held against an earlier boot of the same agent', async () => {
        await group.acquire(alice, unit, 1, longMs);

        expect(await other.acquire({ ...alice, boot: 'alice-2' }, unit, 1, longMs)).toMatchObject({ kind: 'held' });
      });

      it('are extended by renewing and named when they are lost', async () => {
        const token = tokenOf(await group.acquire(alice, unit, 1, shortMs));
        const elsewhere = tokenOf(await group.acquire(alice, `${unit}1`, 1, longMs));

        expect(await group.renew([token, elsewhere], longMs)).toEqual([]);
        const [view] = (await other.leases()).filter((lease) => lease.unit === unit);
        expect(view?.expiresInMs).toBeGreaterThan(shortMs);
        await group.release(token);
        tokenOf(await other.acquire(bob, unit, 1, longMs));

        expect(await group.renew([token, elsewhere], longMs)).toEqual([token]);
      });

      it('can be renewed after they expired while nobody took over', async () => {
        const token = tokenOf(await group.acquire(alice, unit, 1, 1));
        await until(async () => ((await other.leases())[0]?.expiresInMs === 0 ? true : undefined));

        expect(await group.renew([token], longMs)).toEqual([]);
        expect(await other.acquire(bob, unit, 1, longMs)).toMatchObject({ kind: 'held', by: 'alice' });
      });

      it('are acquired at once after a release, with a higher epoch', async () => {
        const first = tokenOf(await group.acquire(alice, unit, 1, longMs));

        await group.release(first);
        const released = await other.leases();
        const second = tokenOf(await other.acquire(bob, unit, 1, longMs));

        expect(released).toEqual([{ unit, agent: null, boot: null, epoch: first.epoch, expiresInMs: 0 }]);
        expect(second.epoch).toBeGreaterThan(first.epoch);
      });

      it('stay when somebody releases a lease that is no longer his', async () => {
        const first = tokenOf(await group.acquire(alice, unit, 1, longMs));
        await group.release(first);
        const second = tokenOf(await other.acquire(bob, unit, 1, longMs));

        await group.release(first);

        expect(await group.leases()).toMatchObject([{ unit, agent: 'bob', boot: 'bob-1', epoch: second.epoch }]);
      });

      it('cannot be won back by an older plan', async () => {
        const token = tokenOf(await group.acquire(alice, unit, 5, longMs));
        await group.release(token);

        expect(await other.acquire(bob, unit, 4, longMs)).toEqual({ kind: 'stale-plan' });
        expect(await other.acquire(bob, unit, 5, longMs)).toMatchObject({ kind: 'acquired' });
      });

      it('have epochs that increase over a restart', async () => {
        const first = tokenOf(await group.acquire(alice, unit, 1, longMs));
        await group.release(first);
        await world.restart();

        const restarted = (await world.open()).group;
        const second = await acquireInTheEnd(restarted, bob);

        expect(second.epoch > first.epoch || second.incarnation > first.incarnation).toBe(true);
      });

      it('are taken from a killed process when its ttl is over', async () => {
        const child = await spawnChild(world);
        const first = tokenOf(await child.ports.group.acquire(alice, unit, 1, 2_000));
        const held = await group.acquire(bob, unit, 1, longMs);
        await child.kill();

        const second = await acquireInTheEnd(group, bob);

        expect(held.kind).toBe('held');
        expect(second.epoch).toBeGreaterThan(first.epoch);
      });
    });

    describe('layouts', () => {
      const layout = { generation: 1, partitions: 16, partitionBy: ['resource_id'], uuid: 'first' };

      it('are decided by the first writer', async () => {
        const answers = await Promise.all([
          group.proposeLayout('sink', layout),
          other.proposeLayout('sink', { ...layout, partitions: 8, uuid: 'second' }),
        ]);

        expect(answers[1]).toEqual(answers[0]);
        expect(await group.layouts()).toEqual({ sink: answers[0] });
      });

      it('are kept per sink', async () => {
        await group.proposeLayout('sink', layout);
        await other.proposeLayout('another', { ...layout, partitions: 1 });

        expect(await group.layouts()).toEqual({ sink: layout, another: { ...layout, partitions: 1 } });
      });

      it('advance by one generation, once', async () => {
        await group.proposeLayout('sink', layout);
        const nexts = ['second', 'third'].map((uuid) => ({ ...layout, generation: 2, partitions: 8, uuid }));

        const answers = await Promise.all(nexts.map((next, i) => [group, other][i]?.advanceLayout('sink', 1, next)));

        const winner = nexts[answers.indexOf(true)];
        expect(answers.filter(Boolean)).toHaveLength(1);
        expect(await other.layouts()).toEqual({ sink: winner });
        expect(await other.proposeLayout('sink', layout)).toEqual(winner);
      });

      it('are advanced already for who asks again because an answer was lost', async () => {
        const next = { ...layout, generation: 2, uuid: 'second' };
        await group.proposeLayout('sink', layout);
        await group.advanceLayout('sink', 1, next);

        expect(await other.advanceLayout('sink', 1, next)).toBe(true);
        expect(await other.advanceLayout('sink', 1, { ...next, uuid: 'third' })).toBe(false);
      });

      it('stay when another generation is expected, another one asked for, or none is stored', async () => {
        await group.proposeLayout('sink', layout);
        const answers = [
          await group.advanceLayout('sink', 2, { ...layout, generation: 3, uuid: 'x' }),
          await group.advanceLayout('sink', 1, { ...layout, generation: 3, uuid: 'x' }),
          await group.advanceLayout('sink', 1, { ...layout, uuid: 'x' }),
          await group.advanceLayout('another', 1, { ...layout, generation: 2, uuid: 'x' }),
        ];

        expect(answers).toEqual([false, false, false, false]);
        expect(await other.layouts()).toEqual({ sink: layout });
      });
    });

    it('tells the time in epoch milliseconds', async () => {
      expect(Math.abs((await group.time()) - Date.now())).toBeLessThan(60_000);
    });
  });
}

export function tokenOf(result: AcquireResult): LeaseToken {
  if (result.kind !== 'acquired') throw new Error(`not acquired: ${JSON.stringify(result)}`);
  return result.token;
}

function acquireInTheEnd(group: Group, identity: AgentIdentity): Promise<LeaseToken> {
  return until(async () => {
    const result = await group.acquire(identity, unit, 1, longMs);
    return result.kind === 'acquired' ? result.token : undefined;
  });
}

function memberOf(identity: AgentIdentity): Member {
  return { ...identity, weight: 1, protocol: 1, build: 'test', host: 'here', pid: 1, facts: { admin: 'http://here:1' } };
}
