import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openEmbedded } from '../src/agent/open-embedded.ts';
import type { LeaseToken } from '../src/coordination/group.ts';
import type { Commit, PartitionStore } from '../src/state/partition-store.ts';
import { bar, barLines } from './bars.ts';
import { endTogether } from './children.ts';
import { machine, machineLine, percentile, rounded, rssAnonMiB, writtenBytes } from './process-figures.ts';
import { parseReference } from './reference.ts';
import { scratchFolder } from './scratch.ts';

/**
 * What a commit of the embedded store costs, by the number of keys behind it. Every row commits the same: 16 partitions, 200 random
 * dirty keys (one sample each), the rolling checkpoint, an outbox blob that is cleared at once, ids. What is measured is the store
 * alone: states are kept as ready text.
 *
 *     node --import tsx bench/state.ts [--json] [--keys 3200,1000000] [--commits 1500]
 *
 * One row after the other in one process, so the rows' CPU may not be compared as a ratio: `npm run bench -- agent` takes turns for that.
 */
const partitions = 16;
const dirtyKeys = 200;
const leaseTtlMs = 60_000;

interface Row {
  readonly keys: number;
  readonly commits: number;
  readonly cpuSecondsPer100k: number;
  readonly parseCpuSecondsPer100k: number;
  /** What was handed to write calls. */
  readonly writtenKBPerSample: number;
  /** What the kernel calls written: it counts every folio that was touched, up to 2 MiB, as a whole. */
  readonly dirtiedKBPerSample: number;
  readonly fileMiB: number;
  readonly fileBytesPerKey: number;
  readonly rssAnonMiB: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly restoreMs: number;
  readonly restoreLongestBlockMs: number;
}

class Partition {
  readonly #store: PartitionStore;
  readonly token: LeaseToken;
  readonly #keys: string[];
  readonly #values: string[];
  #version = 0;
  #walk = 0;

  constructor(store: PartitionStore, token: LeaseToken, index: number, keys: number) {
    this.#store = store;
    this.token = token;
    this.#keys = Array.from({ length: keys }, (_, i) => `rate_of_change/0\u0000cpu\u0000resource-${index}-${i}`);
    this.#values = this.#keys.map(() => '');
  }

  /** Fills the state without measuring, in commits of the largest size the kernel makes. */
  async fill(): Promise<void> {
    for (let from = 0; from < this.#keys.length; from += 2000)
      await this.#commit(
        Array.from({ length: Math.min(2000, this.#keys.length - from) }, (_, i) => from + i),
        false,
      );
  }

  async commitRandom(random: () => number): Promise<void> {
    const dirty = new Set<number>();
    while (dirty.size < Math.min(dirtyKeys, this.#keys.length)) dirty.add(Math.floor(random() * this.#keys.length));
    await this.#commit([...dirty], true);
  }

  async #commit(dirty: readonly number[], outputs: boolean): Promise<void> {
    const set = dirty.map((at): readonly [string, string] => {
      const value = `[${this.#version},"2026-11-21T10:00:00.${at % 1000}",${at}.5]`;
      this.#values[at] = value;
      return [this.#keys[at] ?? '', value];
    });
    const roundStart = this.#walk === 0;
    const rolling: (readonly [string, string])[] = [];
    for (let i = 0; i < this.#store.rollingKeys && this.#walk < this.#keys.length; i++, this.#walk++)
      rolling.push([this.#keys[this.#walk] ?? '', this.#values[this.#walk] ?? '']);
    const roundEnd = this.#walk === this.#keys.length;
    if (roundEnd) this.#walk = 0;
    const slice = Math.floor(this.#version / 50);
    const commit: Commit = {
      expectVersion: this.#version,
      commitId: `${this.token.unit}:${this.#version}`,
      set,
      del: [],
      rolling,
      roundStart,
      roundEnd,
      cursor: JSON.stringify({ version: this.#version, positions: { boot: 12345 }, anchor: [this.#version, 'fingerprint'] }),
      ids: { slice, text: 'x'.repeat(13 * 60) },
      dropSlices: this.#version % 50 === 0 ? [slice - 2] : [],
      outbox: outputs ? [{ group: 'file', items: dirty.length, text: outputText }] : [],
      leaseTtlMs,
    };
    const result = await this.#store.commit(this.token, commit);
    if (result.kind !== 'ok') throw new Error(`not committed: ${result.kind}`);
    this.#version = result.version;
    if (outputs) await this.#store.clearOutbox(this.token, 'file', this.#version);
  }
}

const outputText = JSON.stringify({
  name: 'cpu_util',
  volume: 1.5,
  resource_id: 'resource',
  timestamp: '2026-11-21T10:00:00',
}).repeat(dirtyKeys);

async function measure(keys: number, commits: number): Promise<Row> {
  const dataDir = scratchFolder();
  const embedded = await openEmbedded({ dataDir });
  try {
    const parts: Partition[] = [];
    for (let index = 0; index < partitions; index++) {
      const acquired = await embedded.group.acquire(
        { agent: 'bench', boot: 'bench' },
        `cg.bench.sink.g1.p${index}`,
        1,
        leaseTtlMs,
      );
      if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
      parts.push(new Partition(embedded.store, acquired.token, index, Math.ceil(keys / partitions)));
    }
    await Promise.all(parts.map((part) => part.fill()));
    const random = seeded(1);
    const run = async (count: number, latencies: number[]) => {
      let left = count;
      await Promise.all(
        parts.map(async (part) => {
          while (left-- > 0) {
            const before = performance.now();
            await part.commitRandom(random);
            latencies.push(performance.now() - before);
          }
        }),
      );
    };
    await run(Math.floor(commits / 5), []);
    const latencies: number[] = [];
    const [cpu, written, dirtied] = [process.cpuUsage(), writtenBytes('self', 'wchar'), writtenBytes('self', 'write_bytes')];
    await run(commits, latencies);
    const { user, system } = process.cpuUsage(cpu);
    const samples = commits * Math.min(dirtyKeys, keys / partitions);
    const [handed, touched] = [writtenBytes('self', 'wchar') - written, writtenBytes('self', 'write_bytes') - dirtied];
    const rssAnon = rssAnonMiB('self');
    const restore = await restoreAll(embedded.store, parts);
    const fileBytes = statSync(join(dataDir, 'state', 'data.mdb')).size;
    return {
      keys,
      commits,
      cpuSecondsPer100k: rounded(((user + system) / 1e6 / samples) * 100_000, 3),
      parseCpuSecondsPer100k: rounded(parseReference(), 2),
      writtenKBPerSample: rounded(handed / samples / 1000, 2),
      dirtiedKBPerSample: rounded(touched / samples / 1000, 2),
      fileMiB: rounded(fileBytes / 2 ** 20, 0),
      fileBytesPerKey: rounded(fileBytes / keys, 0),
      rssAnonMiB: rounded(rssAnon, 0),
      p50Ms: rounded(percentile(latencies, 0.5), 1),
      p99Ms: rounded(percentile(latencies, 0.99), 1),
      ...restore,
    };
  } finally {
    await embedded.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function restoreAll(store: PartitionStore, parts: readonly Partition[]) {
  const before = performance.now();
  let longest = 0;
  let turn = before;
  let watching = true;
  const watch = () => {
    longest = Math.max(longest, performance.now() - turn);
    turn = performance.now();
    if (watching) setImmediate(watch);
  };
  setImmediate(watch);
  for (const { token } of parts) {
    const state = new Map<string, string>();
    await store.load(token, (chunk) => {
      for (const [key, value] of chunk) {
        if (value === null) state.delete(key);
        else state.set(key, value);
      }
    });
  }
  watching = false;
  return { restoreMs: rounded(performance.now() - before, 0), restoreLongestBlockMs: rounded(longest, 0) };
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    keys: { type: 'string', default: '3200,1000000' },
    commits: { type: 'string', default: '1500' },
  },
});
endTogether();
const begun = machine();
const rows: Row[] = [];
const columns = [
  ['keys', 'keys'],
  ['CPU-s/100k', 'cpuSecondsPer100k'],
  ['JSON.parse', 'parseCpuSecondsPer100k'],
  ['written kB/sample', 'writtenKBPerSample'],
  ['write_bytes kB/sample', 'dirtiedKBPerSample'],
  ['file MiB', 'fileMiB'],
  ['RssAnon MiB', 'rssAnonMiB'],
  ['p50 ms', 'p50Ms'],
  ['p99 ms', 'p99Ms'],
  ['restore ms', 'restoreMs'],
  ['longest block ms', 'restoreLongestBlockMs'],
] as const;
const width = (title: string) => Math.max(9, title.length);
console.log(columns.map(([title]) => title.padStart(width(title))).join('  '));
for (const keys of values.keys.split(',').map(Number)) {
  const row = await measure(keys, Number(values.commits));
  rows.push(row);
  console.log(columns.map(([title, name]) => `${row[name]}`.padStart(width(title))).join('  '));
}
const bars = [bar('kB written per sample', Math.max(...rows.map((row) => row.writtenKBPerSample)), 8)];
console.log(`\n${machineLine(begun)}\n${barLines(bars)}`);
if (values.json) console.log(JSON.stringify({ name: 'state', partitions, dirtyKeys, rows, bars, machine: begun }));
