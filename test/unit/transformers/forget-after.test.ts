import { describe, expect, it } from 'vitest';
import { createChain } from '../../../src/core/transformers/chain.ts';
import { exampleItem } from '../../../src/core/transformers/examples.ts';
import { transformers } from '../../../src/core/transformers/registry.ts';
import type { AnyTransformer, Time } from '../../../src/core/transformers/transformer.ts';

const hour = 3_600_000;

function chainOf(name: 'rate_of_change' | 'delta', parameters: object) {
  const transformer = transformers[name] as AnyTransformer;
  return createChain({ cluster: 'c', sink: 's', steps: [{ transformer, parameters: transformer.Parameters.parse(parameters) }] });
}

const at = (partition: number): Time => ({ partition, watermark: 0, now: 0 });

function cpu(minute: number) {
  const timestamp = `2026-01-01T00:${String(minute).padStart(2, '0')}:00`;
  return exampleItem({ name: 'cpu', type: 'cumulative', volume: minute * 10, resource_id: 'r', timestamp }, minute);
}

describe.each(['rate_of_change', 'delta'] as const)('forget_after of %s', (name) => {
  it('forgets a predecessor that is older than that in partition time, swept or not', () => {
    const chain = chainOf(name, { forget_after: '1h' });
    chain.applyNotification('n1', [cpu(1)], at(0));
    expect(chain.applyNotification('n2', [cpu(2)], at(hour)).out).toHaveLength(1);

    const later = chain.applyNotification('n3', [cpu(3)], at(2 * hour + 2_000));
    expect(later.out).toEqual([]);
    expect(later.dropped).toEqual([{ reason: 'no_predecessor', count: 1 }]);
  });

  it('lets the state shrink while nothing comes', () => {
    const chain = chainOf(name, { forget_after: '1h' });
    chain.applyNotification('n1', [cpu(1)], at(0));
    chain.takeDirty();
    chain.advance(at(hour + 2_000));
    chain.advance(at(hour + 3_000));

    expect(chain.size).toBe(0);
    expect(chain.takeDirty().del).toHaveLength(1);
    expect(chain.needsTime).toBe(true);
  });

  it('keeps a key for ever without it, and needs no ticks then', () => {
    const chain = chainOf(name, {});
    chain.applyNotification('n1', [cpu(1)], at(0));
    chain.advance(at(1000 * hour));

    expect(chain.applyNotification('n2', [cpu(2)], at(1000 * hour)).out).toHaveLength(1);
    expect(chain.needsTime).toBe(false);
  });
});
