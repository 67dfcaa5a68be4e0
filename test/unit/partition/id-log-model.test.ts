import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdLog, sliceMs } from '../../../src/core/partition/id-log.ts';
import { stableHash } from '../../../src/model/stable-hash.ts';

/** The same log with an object for every id, slow and plain. */
class PlainLog {
  #entries: Entry[] = [];
  readonly #stored = new Set<number>();
  #now = 0;
  #lines: string[] = [];
  #drops: number[] = [];

  get openCount(): number {
    return this.#entries.filter((one) => one.provenIn === null).length;
  }

  get closedCount(): number {
    return this.#entries.length - this.openCount;
  }

  has(id: string): boolean {
    return this.#entries.some((one) => one.hex === hexOf(id));
  }

  add(listener: string, seq: number, id: string): void {
    const entry = { listener, seq, hex: hexOf(id), provenIn: null, writtenIn: this.#now };
    this.#entries.push(entry);
    this.#write(entry);
  }

  prove(listener: string, seq: number): void {
    for (const one of this.#entries) {
      if (one.listener !== listener || one.seq > seq || one.provenIn !== null) continue;
      one.provenIn = this.#now;
      if (this.#now - one.writtenIn >= 4) this.#write(one);
    }
  }

  advance(partitionMs: number): void {
    this.#now = Math.floor(partitionMs / sliceMs);
    this.#entries = this.#entries.filter((one) => one.provenIn === null || this.#now - one.provenIn <= 4);
    for (const one of this.#entries) if (one.provenIn === null && this.#now - one.writtenIn >= 9) this.#write(one);
    for (const slice of this.#stored) {
      if (this.#now - slice < 9) continue;
      this.#stored.delete(slice);
      this.#drops.push(slice);
    }
  }

  takeChange() {
    const ids = this.#lines.length === 0 ? null : { slice: this.#now, text: this.#lines.join('') };
    if (ids !== null) this.#stored.add(this.#now);
    const change = { ids, dropSlices: this.#drops };
    this.#lines = [];
    this.#drops = [];
    return change;
  }

  restore(stored: Stored, proven: ReadonlyMap<string, number>, partitionMs: number): void {
    this.#now = Math.floor(partitionMs / sliceMs);
    const latest = new Map<string, number>();
    for (const [slice, text] of stored) {
      this.#stored.add(slice);
      for (const line of text.split('\n').filter((one) => one !== '')) latest.set(line, slice);
    }
    for (const [line, slice] of latest) {
      const [listener = '', seq, hex = ''] = line.split(' ');
      const closed = Number(seq) <= (proven.get(listener) ?? 0);
      const [provenIn, writtenIn] = closed ? [this.#now, this.#now] : [null, slice];
      this.#entries.push({ listener, seq: Number(seq), hex, provenIn, writtenIn });
    }
  }

  #write(entry: Entry): void {
    entry.writtenIn = this.#now;
    this.#lines.push(`${entry.listener} ${entry.seq} ${entry.hex}\n`);
  }
}

interface Entry {
  readonly listener: string;
  readonly seq: number;
  readonly hex: string;
  provenIn: number | null;
  writtenIn: number;
}

type Stored = readonly (readonly [slice: number, text: string])[];

const hexOf = (id: string) => stableHash([id]).toString(16);
const lines = (text: string | undefined) => (text ?? '').split('\n').sort();

/** Where the sequences of each begin: one passes 2^32 on its way. */
const first: Readonly<Record<string, number>> = { a: 1, b: 1, old: 2 ** 32 - 3 };
const listeners = Object.keys(first);

const of = fc.constantFrom(...listeners);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), of, ids: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('again' as const), of }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('prove' as const), of, back: fc.nat(5) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('pass' as const), slices: fc.constantFrom(0.4, 1, 1, 1, 2, 3, 4, 5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), slices: fc.constantFrom(8, 9, 10, 300) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

describe('the id log, beside a plain one', () => {
  it('knows, counts, writes and drops the same through every life', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 100, size: 'max' }), (steps) => {
        let [log, plain] = [new IdLog(), new PlainLog()];
        let store: [slice: number, text: string][] = [];
        const last = new Map(Object.entries(first));
        const proven = new Map<string, number>();
        const ids: string[] = [];
        let now = 0;
        const add = (listener: string, id: string) => {
          for (const one of [log, plain]) one.add(listener, last.get(listener) as number, id);
        };
        const commit = () => {
          const [change, expected] = [log.takeChange(), plain.takeChange()];
          expect(change.ids?.slice).toBe(expected.ids?.slice);
          expect(lines(change.ids?.text)).toEqual(lines(expected.ids?.text));
          expect(change.dropSlices.toSorted()).toEqual(expected.dropSlices.toSorted());
          store = store.filter(([slice]) => !change.dropSlices.includes(slice));
          if (change.ids !== null) store.push([change.ids.slice, change.ids.text]);
        };
        for (const one of steps) {
          if (one.kind === 'add') {
            last.set(one.of, (last.get(one.of) as number) + 1);
            for (let i = 0; i < one.ids; i++) {
              ids.push(`id-${ids.length}`);
              add(one.of, ids.at(-1) as string);
            }
          } else if (one.kind === 'again' && ids.length > 0) {
            last.set(one.of, (last.get(one.of) as number) + 1);
            add(one.of, ids.at(-7) ?? 'id-0');
          } else if (one.kind === 'prove') {
            const mark = Math.max((last.get(one.of) as number) - one.back, proven.get(one.of) ?? 0);
            proven.set(one.of, mark);
            for (const each of [log, plain]) each.prove(one.of, mark);
          } else if (one.kind === 'pass') {
            now += one.slices * sliceMs;
            for (const each of [log, plain]) each.advance(now);
          } else if (one.kind === 'commit') {
            commit();
          } else if (one.kind === 'restart') {
            commit();
            [log, plain] = [new IdLog(), new PlainLog()];
            for (const each of [log, plain]) each.restore(store, proven, now);
          }
          expect(log.openCount).toBe(plain.openCount);
          expect(log.closedCount).toBe(plain.closedCount);
          const differing = ids.filter((id) => log.has(id) !== plain.has(id));
          expect(differing).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
