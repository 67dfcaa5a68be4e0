import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eachIdLine, idLine } from '../../../src/core/partition/id-lines.ts';
import { IdLog, sliceMs } from '../../../src/core/partition/id-log.ts';
import { maxOwners } from '../../../src/core/partition/id-table.ts';
import { stableHash } from '../../../src/model/stable-hash.ts';

const horizonMs = 4 * sliceMs;

describe('the id log', () => {
  it('knows an id for ever while its raw acknowledgement is unproven', () => {
    const log = new IdLog();
    log.add('l1', 1, 'a');
    for (let at = 0; at < 100 * sliceMs; at += sliceMs) log.advance(at);

    expect(log.has('a')).toBe(true);
    expect(log.openCount).toBe(1);
  });

  it('keeps a proven id two more minutes of partition time and then forgets it', () => {
    const log = new IdLog();
    log.add('l1', 1, 'a');
    log.advance(10 * sliceMs);
    log.prove('l1', 1);

    log.advance(10 * sliceMs + horizonMs);
    expect(log.has('a')).toBe(true);
    log.advance(10 * sliceMs + horizonMs + sliceMs);
    expect(log.has('a')).toBe(false);
  });

  it('proves per listener and only up to the mark', () => {
    const log = new IdLog();
    log.add('l1', 1, 'a');
    log.add('l1', 2, 'b');
    log.add('l2', 1, 'c');
    log.prove('l1', 1);

    expect(log.openCount).toBe(2);
    expect(log.closedCount).toBe(1);
    expect(['a', 'b', 'c'].every((id) => log.has(id))).toBe(true);
  });

  it('knows an id proven late even when a restart follows the drop of the slice it was first written to', () => {
    const log = new IdLog();
    const store = new Map<number, string[]>();
    const commit = () => {
      const { ids, dropSlices } = log.takeChange();
      for (const slice of dropSlices) store.delete(slice);
      if (ids !== null) store.set(ids.slice, [...(store.get(ids.slice) ?? []), ids.text]);
    };
    log.add('l1', 1, 'a');
    commit();
    log.advance(8 * sliceMs);
    log.prove('l1', 1);
    commit();
    log.advance(9 * sliceMs);
    commit();

    const restarted = new IdLog();
    restarted.restore(
      [...store].flatMap(([slice, texts]) => texts.map((text) => [slice, text] as const)),
      new Map([['l1', 1]]),
      9 * sliceMs,
    );
    expect(restarted.has('a')).toBe(true);
  });

  it('stores an id as its listener, its sequence and its hash, and refuses to read anything else', () => {
    const log = new IdLog();
    log.add('l1', 7, 'a');
    const hex = stableHash(['a']).toString(16);

    expect(log.takeChange()).toEqual({ ids: { slice: 0, text: `l1 7 ${hex}\n` }, dropSlices: [] });
    for (const damaged of ['l1 7\n', 'l1', `l1 x ${hex}`, 'l1 7 xyz', 'l1 7 \n'])
      expect(() => new IdLog().restore([[0, damaged]], new Map(), 0), damaged).toThrow('that is none');
  });

  it('reads back a hash that begins with zeros', () => {
    const lines: string[] = [];
    for (const [high, low] of [
      [0, 0],
      [0, 0xab],
      [1, 0],
      [0xffffffff, 0xffffffff],
      [0x12, 0x00345678],
    ] as const) {
      const line = idLine('l1', 1, high, low);
      expect(line).toBe(`l1 1 ${((BigInt(high) << 32n) | BigInt(low)).toString(16)}\n`);
      eachIdLine(line, (...read) => lines.push(idLine(...read)));
      expect(lines.at(-1)).toBe(line);
    }
  });

  it('carries on an open id that it finds in a slice long past', () => {
    const log = new IdLog();
    log.restore([[0, `l1 1 ab\n`]], new Map(), 260 * sliceMs);
    log.advance(261 * sliceMs);

    expect(log.takeChange()).toEqual({ ids: { slice: 261, text: 'l1 1 ab\n' }, dropSlices: [0] });
  });

  it('goes on after a proof that came before the entry, and forgets nothing for it', () => {
    const log = new IdLog();
    log.add('l1', 5, 'a');
    log.prove('l1', 9);
    log.advance(10 * sliceMs);
    log.add('l1', 6, 'b');
    log.advance(30 * sliceMs);

    expect(log.has('b')).toBe(true);
  });

  it('makes room for one more boot than it can number by forgetting the ids of the one longest here', () => {
    const log = new IdLog();
    for (let boot = 0; boot <= maxOwners; boot++) log.add(`l${boot}`, 1, `id-${boot}`);

    expect(log.openCount).toBe(maxOwners);
    expect(log.has('id-0')).toBe(false);
    expect(log.has('id-1')).toBe(true);
    expect(log.has(`id-${maxOwners}`)).toBe(true);
  });

  it('after a restart knows every id it must know, wherever the restart falls', () => {
    const action = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), listener: fc.constantFrom('l1', 'l2') }),
      fc.record({ kind: fc.constant('prove' as const), listener: fc.constantFrom('l1', 'l2') }),
      fc.record({ kind: fc.constant('pass' as const), slices: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ kind: fc.constant('restart' as const) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const seqs = new Map<string, number>();
        const proven = new Map<string, number>();
        const mustKnow = new Map<string, { listener: string; seq: number; provenAt: number | null }>();
        const store = new Map<number, string[]>();
        let log = new IdLog();
        let now = 0;
        const commit = () => {
          const { ids, dropSlices } = log.takeChange();
          for (const slice of dropSlices) store.delete(slice);
          if (ids !== null) store.set(ids.slice, [...(store.get(ids.slice) ?? []), ids.text]);
        };
        for (const one of actions) {
          if (one.kind === 'add') {
            const seq = (seqs.get(one.listener) ?? 0) + 1;
            seqs.set(one.listener, seq);
            log.add(one.listener, seq, `${one.listener}-${seq}`);
            mustKnow.set(`${one.listener}-${seq}`, { listener: one.listener, seq, provenAt: null });
          } else if (one.kind === 'prove') {
            const seq = seqs.get(one.listener) ?? 0;
            proven.set(one.listener, seq);
            log.prove(one.listener, seq);
            for (const id of mustKnow.values()) {
              if (id.listener === one.listener && id.seq <= seq && id.provenAt === null) id.provenAt = now;
            }
          } else if (one.kind === 'pass') {
            now += one.slices * sliceMs;
            log.advance(now);
          }
          commit();
          if (one.kind === 'restart') {
            log = new IdLog();
            const stored = [...store]
              .sort(([a], [b]) => a - b)
              .flatMap(([slice, texts]) => texts.map((text) => [slice, text] as const));
            log.restore(stored, proven, now);
          }
          for (const [id, { provenAt }] of mustKnow) {
            if (provenAt === null || now - provenAt <= horizonMs) expect(log.has(id), id).toBe(true);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
