import { itemLines } from '../../src/core/convert/wire.ts';
import { Partition } from '../../src/core/partition/partition.ts';
import { parseEntry } from '../../src/model/entry.ts';
import { sinkChain } from '../../src/pipeline/sink-chain.ts';
import type { Cluster } from './cluster.ts';
import { idOf } from './ledger.ts';
import type { UnitState } from './sim-redis.ts';

const decoder = new TextDecoder();

/** Nothing waits anywhere but ticks and canaries, and all that is durable is out. */
export function isDrained(cluster: Cluster): boolean {
  const { ledger, raws, redis, raw, queues, units } = cluster;
  if (ledger.lostHistory) return [...units.keys()].every((unit) => redis.isOwned(unit));
  if (raws.some(({ id }) => !ledger.published.has(`every s-${id}`))) return false;
  if ([...units.keys()].some((unit) => redis.unit(unit).outbox.length > 0 || !redis.isOwned(unit))) return false;
  if (raw.pending.some(({ bytes }) => !decoder.decode(bytes).includes('ceilograph.canary'))) return false;
  return [...queues.values()].every((queue) => queue.pending.every(({ bytes }) => isQuiet(bytes)));
}

function isQuiet(bytes: Uint8Array): boolean {
  const entry = parseEntry(decoder.decode(bytes));
  return entry.kind !== 'data' || entry.notifications.length === 0;
}

/**
 * I1 and I2: one process, fed with what the workers applied, comes to the same outputs, the same state and the same position; and every raw
 * message was applied exactly once in every sink.
 */
export function compareWithOracle(cluster: Cluster): void {
  const { world, ledger, redis, raws } = cluster;
  const seen = new Map(cluster.sinks.map(({ sink }) => [sink, new Map<string, number>()]));
  for (const [unit, { sink }] of cluster.units) {
    const state = redis.unit(unit);
    const chain = sinkChain('sim', sink);
    const { lines, rows, cursor, livedTwice, repeated } = replay(new Partition(chain), state.applied);
    // A clock that was set back says the same time twice, and that is meant.
    if (livedTwice > 0 && !ledger.clockSetBack) world.wrong('I7', `${unit} counted ${livedTwice} ms twice`);
    for (const line of lines) {
      const key = `${sink.sink} ${idOf(line)}`;
      if (!ledger.published.has(key)) world.wrong('I1', `${key} of ${unit} was never published`);
    }
    if (state.version > 0 && withoutAnchor(state.cursor) !== withoutAnchor(cursor))
      world.wrong('I1', `${unit}: the cursor is ${state.cursor} and, replayed, ${cursor}`);
    const [stored, replayed] = [sorted(state.rows), sorted(rows)];
    if (stored !== replayed) world.wrong('I1', `${unit}: the state is ${stored} and, replayed, ${replayed}`);
    const counts = seen.get(sink.sink) as Map<string, number>;
    const before = [...counts.values()].reduce((a, b) => a + b, 0);
    const given = countApplied(state, counts);
    const fresh = [...counts.values()].reduce((a, b) => a + b, 0) - before;
    if (given - repeated !== fresh)
      world.wrong('I2', `${unit}: ${given - repeated} notifications applied, of ${fresh} that came`);
  }
  for (const [sink, counts] of seen) {
    for (const { id } of raws) {
      const count = counts.get(id) ?? 0;
      if (count !== 1) world.wrong('I2', `${id} was applied ${count} times in ${sink}`);
    }
  }
}

function replay(partition: Partition, applied: UnitState['applied']) {
  const lines: string[] = [];
  const rows = new Map<string, string>();
  let cursor: string | null = null;
  let latestTick = Number.NEGATIVE_INFINITY;
  let livedTwice = 0;
  let repeated = 0;
  for (const [index, { by, entry }] of applied.entries()) {
    if (index > 0 && applied[index - 1]?.by !== by) partition.takenOver();
    if (entry.kind === 'config') partition.configure(entry);
    else {
      const before = partition.partitionMs;
      const { out, outcome, repeated: known } = partition.apply(entry, index + 1, '');
      repeated += known;
      if (entry.kind === 'tick' && outcome !== 'ignored') {
        if (entry.at <= latestTick) livedTwice += partition.partitionMs - before;
        latestTick = Math.max(latestTick, entry.at);
      }
      if (out.length > 0) lines.push(...itemLines(out).trimEnd().split('\n'));
    }
    const change = partition.takeChange(0);
    for (const key of change.del) rows.delete(key);
    for (const [key, value] of change.set) rows.set(key, value);
    ({ cursor } = change);
  }
  return { lines, rows, cursor, livedTwice, repeated };
}

/**
 * Told without any code of the product: an entry counts once, and of a notification only the first. Returns how many notifications were
 * in the entries that count.
 */
function countApplied({ applied }: UnitState, counts: Map<string, number>): number {
  let given = 0;
  const read = new Set<string>();
  const known = new Set<string>();
  for (const { entry } of applied) {
    if (entry.kind !== 'data' || read.has(`${entry.listener}/${entry.seq}`)) continue;
    read.add(`${entry.listener}/${entry.seq}`);
    given += entry.notifications.length;
    for (const { id } of entry.notifications) {
      if (!known.has(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
      known.add(id);
    }
  }
  return given;
}

/** Offsets and fingerprints are the adapter's. */
function withoutAnchor(cursor: string | null): string {
  return JSON.stringify({ ...JSON.parse(cursor ?? '{}'), anchor: null });
}

function sorted(rows: ReadonlyMap<string, string>): string {
  return JSON.stringify([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
}
