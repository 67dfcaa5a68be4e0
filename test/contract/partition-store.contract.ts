import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AgentIdentity, Group, LeaseToken } from '../../src/coordination/group.ts';
import type {
  Commit,
  Guarded,
  Loaded,
  PartitionStore,
  PeekedPartitions,
  WholePartition,
  WholePartitions,
} from '../../src/state/partition-store.ts';
import { tokenOf } from './group.contract.ts';
import { RollingWriter } from './rolling-writer.ts';
import { killChildren, type Ports, spawnChild, until, type World } from './world.ts';

type StoreWorld = World<Pick<Ports, 'group' | 'store'>>;

const unit = 'cg.test.sink.g1.p0';
const longMs = 60_000;
const alice: AgentIdentity = { agent: 'alice', boot: 'alice-1' };
const bob: AgentIdentity = { agent: 'bob', boot: 'bob-1' };

/** What every adapter of the partition store owes, together with the group that gives out its tokens. */
export function describePartitionStore(name: string, makeWorld: () => Promise<StoreWorld>): void {
  describe(`partition store: ${name}`, () => {
    let world: StoreWorld;
    let group: Group;
    let store: PartitionStore & WholePartitions & PeekedPartitions;

    beforeEach(async () => {
      world = await makeWorld();
      ({ group, store } = await world.open());
    });
    afterEach(async () => {
      await killChildren();
      await world.dispose();
    });

    const acquire = async (identity = alice, ttlMs = longMs, of = unit) => tokenOf(await group.acquire(identity, of, 1, ttlMs));

    const acquireInTheEnd = (of: string) =>
      until(async () => {
        const result = await group.acquire(bob, of, 1, longMs);
        return result.kind === 'acquired' ? result.token : undefined;
      });

    it('holds nothing to begin with', async () => {
      const loaded = await load(store, await acquire());

      expect(loaded).toEqual({ version: 0, cursor: null, outbox: [], ids: [], starts: 0, suspects: '', state: {}, toWalk: null });
    });

    it('gives back what was committed: states, cursor, ids and outbox', async () => {
      const token = await acquire();
      await store.commit(
        token,
        commitOf(0, {
          set: [
            ['a', '{"text":"\\u0000 – ünï \\n 💡"}'],
            ['__proto__', '1'],
            ['', 'empty key'],
            ['b', ''],
          ],
          ids: { slice: 3, text: 'one ' },
          outbox: [
            { group: 'file', items: 2, text: 'first – 💡\n' },
            { group: 'http', items: 1, text: 'other' },
          ],
        }),
      );
      await store.commit(
        token,
        commitOf(1, {
          set: [['c', '3']],
          del: ['b', 'never there'],
          ids: { slice: 4, text: 'two ' },
          outbox: [{ group: 'file', items: 1, text: 'second' }],
        }),
      );

      const loaded = await load(store, token);

      expect(Object.entries(loaded.state).sort()).toEqual([
        ['', 'empty key'],
        ['__proto__', '1'],
        ['a', '{"text":"\\u0000 – ünï \\n 💡"}'],
        ['c', '3'],
      ]);
      expect(loaded).toMatchObject({
        version: 2,
        cursor: 'cursor 2',
        ids: [
          [3, 'one '],
          [4, 'two '],
        ],
      });
      expect(loaded.outbox.filter(({ group }) => group === 'file')).toEqual([
        { group: 'file', version: 1, items: 2, text: 'first – 💡\n' },
        { group: 'file', version: 2, items: 1, text: 'second' },
      ]);
      expect(loaded.outbox.filter(({ group }) => group === 'http')).toEqual([
        { group: 'http', version: 1, items: 1, text: 'other' },
      ]);
    });

    it('shows to who only looks what was committed, while another owns it', async () => {
      const token = await acquire();
      await store.commit(
        token,
        commitOf(0, {
          set: [
            ['a', '1'],
            ['b', '2'],
          ],
        }),
      );
      await store.commit(token, commitOf(1, { set: [['a', '3']], del: ['b'] }));
      const other = (await world.open()).store;

      const seen = new Map<string, string>();
      await other.peek(unit, (chunk) => {
        for (const [key, value] of chunk) {
          if (value === null) seen.delete(key);
          else seen.set(key, value);
        }
      });

      expect([...seen]).toEqual([['a', '3']]);
    });

    it('keeps units apart, also those whose names begin alike', async () => {
      const [one, two] = [await acquire(), await acquire(alice, longMs, `${unit}0`)];
      await store.commit(one, commitOf(0, { set: [['key', 'one']], outbox: [{ group: 'out', items: 1, text: 'one' }] }));
      await store.commit(two, commitOf(0, { set: [['key', 'two']], ids: { slice: 1, text: 'two' } }));

      expect(await load(store, one)).toMatchObject({ state: { key: 'one' }, ids: [], outbox: [{ text: 'one' }] });
      expect(await load(store, two)).toMatchObject({ state: { key: 'two' }, ids: [[1, 'two']], outbox: [] });
    });

    it('does nothing twice when the same commit comes again', async () => {
      const token = await acquire();
      const commit = commitOf(0, {
        set: [['a', '1']],
        ids: { slice: 1, text: 'x' },
        outbox: [{ group: 'out', items: 1, text: 'x' }],
      });
      await store.commit(token, commit);
      const before = await load(store, token);

      expect(await store.commit(token, commit)).toEqual({ kind: 'replayed', version: 1 });

      expect(await load(store, token)).toEqual(before);
    });

    it('changes nothing when another version is expected', async () => {
      const token = await acquire();
      await store.commit(token, commitOf(0, { set: [['a', '1']] }));

      expect(await store.commit(token, commitOf(0, { set: [['a', '2']], commitId: 'another' }))).toEqual({
        kind: 'conflict',
        version: 1,
      });
      expect(await store.commit(token, commitOf(2, { set: [['a', '3']] }))).toEqual({ kind: 'conflict', version: 1 });

      expect(await load(store, token)).toMatchObject({ version: 1, state: { a: '1' } });
    });

    it('lets exactly one of two racing commits through', async () => {
      const token = await acquire();

      const results = await Promise.all(
        ['x', 'y'].map((text) => store.commit(token, commitOf(0, { commitId: text, set: [['who', text]] }))),
      );

      expect(results.map(({ kind }) => kind).sort()).toEqual(['conflict', 'ok']);
      expect((await load(store, token)).state).toEqual({ who: results[0]?.kind === 'ok' ? 'x' : 'y' });
    });

    const strangers: readonly (readonly [string, (token: LeaseToken) => LeaseToken])[] = [
      ['another agent', (token) => ({ ...token, agent: 'mallory' })],
      ['another boot', (token) => ({ ...token, boot: 'alice-2' })],
      ['an older epoch', (token) => ({ ...token, epoch: token.epoch - 1 })],
      ['a newer epoch', (token) => ({ ...token, epoch: token.epoch + 1 })],
      ['another incarnation', (token) => ({ ...token, incarnation: token.incarnation + 1 })],
      ['a unit nobody holds', (token) => ({ ...token, unit: `${unit}9` })],
    ];
    it.each(strangers)('fences every effect of %s', async (_, change) => {
      const token = await acquire();
      await store.commit(token, commitOf(0, { set: [['a', '1']], outbox: [{ group: 'out', items: 1, text: 'x' }] }));
      const stranger = change(token);

      const effects = [
        await store.commit(stranger, commitOf(1, { set: [['a', '2']] })),
        await store.clearOutbox(stranger, 'out', 1),
        await store.noteStart(stranger, ''),
        await store.load(stranger, () => expect.unreachable('a fenced load hands out nothing')),
      ];

      expect(effects).toEqual([{ kind: 'fenced' }, { kind: 'fenced' }, { kind: 'fenced' }, { kind: 'fenced' }]);
      expect(await load(store, token)).toMatchObject({
        version: 1,
        starts: 0,
        suspects: '',
        state: { a: '1' },
        outbox: [{ text: 'x' }],
      });
    });

    it('fences a released token', async () => {
      const token = await acquire();
      await group.release(token);

      expect(await store.commit(token, commitOf(0))).toEqual({ kind: 'fenced' });
    });

    it('commits under an expired lease that nobody took over, and holds it again', async () => {
      const token = await acquire(alice, 1);
      await until(async () => ((await group.leases())[0]?.expiresInMs === 0 ? true : undefined));

      expect(await store.commit(token, commitOf(0))).toEqual({ kind: 'ok', version: 1 });

      expect(await group.acquire(bob, unit, 1, longMs)).toMatchObject({ kind: 'held', by: 'alice' });
    });

    it('counts the starts since the last commit', async () => {
      const token = await acquire();
      const counted = [(await load(store, token)).starts];
      await store.noteStart(token, '');
      await store.noteStart(token, '');
      counted.push((await load(store, token)).starts);
      await store.commit(token, commitOf(0));

      expect([...counted, (await load(store, token)).starts]).toEqual([0, 2, 0]);
    });

    it('keeps what the last start suspected, over commits too', async () => {
      const token = await acquire();
      await store.noteStart(token, 'a=1 b=2');
      await store.noteStart(token, 'b=3');
      await store.commit(token, commitOf(0));

      expect((await load(store, token)).suspects).toBe('b=3');
    });

    it('keeps each outbox blob until its own group clears it', async () => {
      const token = await acquire();
      for (let version = 0; version < 3; version++)
        await store.commit(
          token,
          commitOf(version, {
            outbox: [
              { group: 'file', items: 2, text: 'ab' },
              { group: 'http', items: 1, text: 'é' },
            ],
          }),
        );
      const full = await store.describe(unit);

      await store.clearOutbox(token, 'file', 2);

      expect(full).toEqual({ version: 3, outboxItems: 9, outboxBytes: 12 });
      expect(await store.describe(unit)).toEqual({ version: 3, outboxItems: 5, outboxBytes: 8 });
      const left = (await load(store, token)).outbox.map(({ group, version }) => `${group} ${version}`);
      expect(left.sort()).toEqual(['file 3', 'http 1', 'http 2', 'http 3']);
    });

    it('takes a commit of very many changes', async () => {
      const token = await acquire();
      const set = Array.from({ length: 100_000 }, (_, i) => [`key ${i}`, 'value'] as const);

      expect(await store.commit(token, commitOf(0, { set }))).toEqual({ kind: 'ok', version: 1 });
      expect(Object.keys((await load(store, token)).state)).toHaveLength(100_000);
    });

    it('clears an outbox of many blobs', async () => {
      const token = await acquire();
      await Promise.all(
        Array.from({ length: 600 }, (_, i) =>
          store.commit(token, commitOf(i, { outbox: [{ group: 'out', items: 1, text: 'x' }] })),
        ),
      );

      await store.clearOutbox(token, 'out', 599);

      expect(await store.describe(unit)).toMatchObject({ outboxItems: 1 });
    });

    it('drops id slices as a whole', async () => {
      const token = await acquire();
      for (let version = 0; version < 4; version++)
        await store.commit(token, commitOf(version, { ids: { slice: version >> 1, text: `${version} ` } }));

      await store.commit(token, commitOf(4, { dropSlices: [0, 77] }));

      expect((await load(store, token)).ids).toEqual([
        [1, '2 '],
        [1, '3 '],
      ]);
    });

    it('hands states over in chunks that let other work go on', async () => {
      const token = await acquire();
      const writer = new RollingWriter(store, token);
      for (let batch = 0; batch < 8; batch++)
        await writer.commit(
          Array.from({ length: 1500 }, (_, i) => [`key ${batch} ${i}`, 'value'] as const),
          [],
        );
      let turns = 0;
      let counting = true;
      const count = () => {
        turns += 1;
        if (counting) setImmediate(count);
      };
      setImmediate(count);
      const chunks: { readonly keys: number; readonly turn: number }[] = [];

      await store.load(token, (chunk) => chunks.push({ keys: chunk.length, turn: turns }));
      counting = false;

      expect(chunks.reduce((sum, { keys }) => sum + keys, 0)).toBeGreaterThanOrEqual(12_000);
      expect(Math.max(...chunks.map(({ keys }) => keys))).toBeLessThanOrEqual(2000);
      expect(new Set(chunks.map(({ turn }) => turn)).size).toBe(chunks.length);
    });

    it('restores exactly the last value of each key, whatever was written, deleted, reloaded and taken over', {
      timeout: 60_000,
    }, async () => {
      let runs = 0;
      const keys = fc.nat({ max: 30 }).map((n) => `key ${n}`);
      const step = fc.oneof(
        { weight: 8, arbitrary: fc.record({ set: fc.array(keys, { maxLength: 6 }), del: fc.array(keys, { maxLength: 3 }) }) },
        { weight: 1, arbitrary: fc.constant('reload' as const) },
        { weight: 1, arbitrary: fc.constant('reload, and walk anew' as const) },
        { weight: 1, arbitrary: fc.constant('take over' as const) },
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 20, maxLength: 60 }),
          fc.integer({ min: 1, max: 7 }),
          async (steps, rolling) => {
            const name = `${unit}/${runs++}`;
            let token = await acquire(alice, longMs, name);
            let writer = new RollingWriter(store, token, rolling);
            let count = 0;
            for (const each of steps) {
              if (typeof each === 'object') {
                await writer.commit(
                  [...new Set(each.set)].map((key) => [key, String(++count)] as const),
                  each.del.filter((key) => !each.set.includes(key)),
                );
                continue;
              }
              if (each === 'take over') {
                await group.release(token);
                token = await acquire(token.agent === 'alice' ? bob : alice, longMs, name);
              }
              const loaded = await load(store, token);
              expect(loaded.state).toEqual(Object.fromEntries(writer.state));
              const toWalk = each === 'reload, and walk anew' ? null : loaded.toWalk;
              writer = new RollingWriter(store, token, rolling, { ...loaded, toWalk });
            }
            expect((await load(store, token)).state).toEqual(Object.fromEntries(writer.state));
          },
        ),
        { numRuns: 25 },
      );
    });

    it('keeps everything over a restart', async () => {
      const token = await acquire();
      await store.commit(token, commitOf(0, { set: [['a', '1']], outbox: [{ group: 'out', items: 1, text: 'x' }] }));
      await group.release(token);
      await world.restart();

      ({ group, store } = await world.open());

      const loaded = await load(store, await acquire(bob));
      expect(loaded).toMatchObject({ version: 1, cursor: 'cursor 1', state: { a: '1' }, outbox: [{ text: 'x' }] });
    });

    it('fences a process that slept through the takeover, whatever it tries', { timeout: 60_000 }, async () => {
      const child = await spawnChild(world);
      const zombie = tokenOf(await child.ports.group.acquire(alice, unit, 1, 200));
      await child.ports.store.commit(
        zombie,
        commitOf(0, { set: [['a', '1']], outbox: [{ group: 'out', items: 1, text: 'x' }], leaseTtlMs: 200 }),
      );
      const token = await acquireInTheEnd(unit);
      const loaded = await load(store, token);

      const effects = [
        await child.ports.store.commit(zombie, commitOf(1, { set: [['a', '2']] })),
        await child.ports.store.clearOutbox(zombie, 'out', 1),
        await child.ports.store.load(zombie, undefined as never),
      ];
      const lost = await child.ports.group.renew([zombie], longMs);
      await child.ports.group.release(zombie);

      expect(effects).toEqual([{ kind: 'fenced' }, { kind: 'fenced' }, { kind: 'fenced' }]);
      expect(lost).toEqual([zombie]);
      expect(token.epoch).toBeGreaterThan(zombie.epoch);
      expect(loaded).toMatchObject({ version: 1, state: { a: '1' }, outbox: [{ text: 'x' }] });
      expect(await store.commit(token, commitOf(1, { set: [['a', 'bob']] }))).toEqual({ kind: 'ok', version: 2 });
    });

    it('takes a whole partition in place of an older one, and goes on from it', async () => {
      const token = await acquire();
      await store.commit(token, commitOf(0, { set: [['old', '1']], ids: { slice: 1, text: 'old ' } }));

      expect(await store.reseed(token, whole)).toEqual({ kind: 'ok' });
      expect(await store.commit(token, commitOf(7, { set: [['a', '2']], ids: { slice: 2, text: 'three ' } }))).toMatchObject({
        kind: 'ok',
        version: 8,
      });
      await store.clearOutbox(token, 'file', 6);

      const { state, ids, outbox, version, cursor } = await load(store, token);
      expect({ state, version, cursor }).toEqual({ state: { a: '2', b: 'ü' }, version: 8, cursor: 'cursor 8' });
      expect(ids).toEqual([...whole.ids, [2, 'three ']]);
      expect(outbox).toEqual(whole.outbox.slice(1));
    });

    it('keeps what is as new as a whole partition that is offered', async () => {
      const token = await acquire();
      await store.reseed(token, whole);

      expect(await store.reseed(token, { ...whole, states: [] })).toEqual({ kind: 'newer', version: 7 });
      expect(Object.keys((await load(store, token)).state)).toHaveLength(2);
    });

    it('has nothing of a partition that was dropped, and takes a whole one anew', async () => {
      const token = await acquire();
      await store.reseed(token, whole);

      expect(await store.drop(token)).toEqual({ kind: 'ok', value: null });
      expect(await store.drop(token)).toEqual({ kind: 'ok', value: null });
      expect(await store.describe(unit)).toEqual({ version: 0, outboxItems: 0, outboxBytes: 0 });
      expect(await load(store, token)).toMatchObject({ version: 0, cursor: null, ids: [], outbox: [], state: {} });
      expect(await store.reseed(token, { ...whole, version: 1 })).toEqual({ kind: 'ok' });
    });

    it('refuses both to who has lost the lease', async () => {
      const zombie = await acquire();
      await group.release(zombie);
      const token = await acquire(bob);
      await store.reseed(token, whole);

      expect(await store.reseed(zombie, { ...whole, version: 9 })).toEqual({ kind: 'fenced' });
      expect(await store.drop(zombie)).toEqual({ kind: 'fenced' });
      expect(await load(store, token)).toMatchObject({ version: 7 });
    });

    it('keeps every confirmed commit whole, and no half one, when the writer is killed', { timeout: 60_000 }, async () => {
      const keys = 40;
      for (let round = 0; round < 4; round++) {
        const each = `${unit}/${round}`;
        const child = await spawnChild(world);
        void child.jobs.commitForever(each, keys).catch(() => undefined);
        await until(() => (child.confirmed() > 20 + round * 13 ? true : undefined));
        await child.kill();

        const { version, cursor, state, outbox, ids } = await load(store, await acquireInTheEnd(each));

        expect(version).toBeGreaterThanOrEqual(child.confirmed());
        expect(cursor).toBe(String(version));
        expect(new Set(Object.values(state))).toEqual(new Set([String(version)]));
        expect(Object.keys(state)).toHaveLength(keys);
        expect(outbox.map((entry) => [entry.version, entry.text])).toEqual(
          Array.from({ length: version }, (_, i) => [i + 1, String(i + 1)]),
        );
        expect(ids.map(([, text]) => text).join(' ')).toBe(Array.from({ length: version }, (_, i) => i + 1).join(' '));
      }
    });
  });
}

const whole: WholePartition = {
  version: 7,
  lastCommitId: 'commit 6',
  cursor: 'cursor 7',
  states: [
    ['a', '1'],
    ['b', 'ü'],
  ],
  ids: [
    [2, 'one '],
    [1, 'two '],
  ],
  outbox: [
    { group: 'file', version: 5, items: 2, text: 'é' },
    { group: 'file', version: 7, items: 1, text: 'x' },
  ],
};

interface LoadedState extends Loaded {
  readonly state: Record<string, string>;
  /** Keys in no commit of the open round; null when there was none of it. */
  readonly toWalk: readonly string[] | null;
}

async function load(store: PartitionStore, token: LeaseToken): Promise<LoadedState> {
  const state = new Map<string, string>();
  let toWalk: Set<string> | null = null;
  const loaded: Guarded<Loaded> = await store.load(token, (chunk, ofOpenRound) => {
    if (ofOpenRound) toWalk ??= new Set(state.keys());
    if (!ofOpenRound) expect(toWalk).toBeNull();
    for (const [key] of chunk) toWalk?.delete(key);
    for (const [key, value] of chunk) {
      if (value === null) state.delete(key);
      else state.set(key, value);
    }
  });
  if (loaded.kind !== 'ok') throw new Error(`not loaded: ${loaded.kind}`);
  return { ...loaded.value, state: Object.fromEntries(state), toWalk: toWalk === null ? null : [...toWalk] };
}

function commitOf(expectVersion: number, parts: Partial<Commit> = {}): Commit {
  return {
    expectVersion,
    commitId: `commit ${expectVersion}`,
    set: [],
    del: [],
    rolling: [],
    roundStart: false,
    roundEnd: false,
    cursor: `cursor ${expectVersion + 1}`,
    ids: null,
    dropSlices: [],
    outbox: [],
    leaseTtlMs: longMs,
    ...parts,
  };
}
