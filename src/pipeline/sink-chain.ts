import type { SinkConfig } from '../config/sink-config.ts';
import { type Chain, createChain } from '../core/transformers/chain.ts';

/** The chain of a sink, as everybody who computes for it must make it: worker, direct mode, replay, tests. */
export function sinkChain(cluster: string, { sink, steps, order, partitionBy }: SinkConfig): Chain {
  const sorted = order.kind === 'event' ? { latenessMs: order.latenessMs, partitionBy } : undefined;
  return createChain({ cluster, sink, steps, order: sorted });
}
