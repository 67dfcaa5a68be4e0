import { parse } from 'yaml';
import type { LawSubject } from '../../../src/core/transformers/laws.ts';
import type { AnyTransformer } from '../../../src/core/transformers/transformer.ts';

/** A transformer with the parameters of its examples, and others that reach what the examples leave out. */
export function subjectOf(transformer: AnyTransformer, more: readonly unknown[] = []): LawSubject {
  const cases = transformer.examples.map((example) => ({
    parameters: transformer.Parameters.parse(parse(example.yaml)),
    example,
  }));
  return {
    transformer,
    cases: [...cases, ...more.map((parameters) => ({ parameters: transformer.Parameters.parse(parameters) }))],
  };
}

/** mulberry32: 32 bits of state, the same everywhere. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Runs with a clock and dice that `disturb` changes: what looks at them is found out by the second run. */
export function inDisturbedWorld(run: (disturb: () => void) => void): void {
  const [now, random] = [Date.now, Math.random];
  let moved = 0;
  Date.now = () => now() + moved;
  Math.random = () => (random() + moved) % 1;
  try {
    run(() => {
      moved += 86_400_123.25;
    });
  } finally {
    Date.now = now;
    Math.random = random;
  }
}

/** Parameters beside the examples': defects kept and not kept, every policy, every statistic. */
export const moreParameters: Readonly<Record<string, readonly unknown[]>> = {
  accumulator: [{ size: 0 }, {}],
  aggregator: [
    { size: 3, target: { name: 'renamed' } },
    { size: 4, strict_compat: false, target: { name: 'renamed' }, user_id: 'last', timestamp: 'last' },
    { retention_time: 60, size: null, resource_metadata: 'drop' },
  ],
  arithmetic: [
    { target: { expr: '$(memory) / ($(memory.usage) - 1)', name: 'x' }, strict_compat: false },
    { target: { expr: '1e400 * $(memory)' } },
    { target: { expr: '1 +' } },
  ],
  delta: [{ strict_compat: false }],
  rate_of_change: [{}, { strict_compat: false, target: { scale: 2, max: 5 } }],
  unit_conversion: [{ target: { scale: 'volume / (volume - 12)', max: 7 } }],
  deduplicate: [
    { window: 30, max_keys: 2 },
    { by: ['name'], window: '1s' },
  ],
  window: [
    { size: '1m', every: '20s', lateness: '30s', compute: ['count', 'sum', 'min', 'max', 'mean', 'stddev', 'median', 'p99.9'] },
    { size: 90, group_by: ['name'], name: 'all', compute: ['sum'] },
  ],
  correlate: [
    { sequence: ['*.start', '*.end'], by: ['traits.instance_id'], timeout: '40s', hold: '5s', name: 'x', emit: 'sample' },
    { sequence: ['*.end', '*.start', '*'], by: ['traits.instance_id'], timeout: '1h', name: 'x' },
  ],
};
