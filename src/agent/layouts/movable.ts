import { Fault } from '../../model/faults.ts';
import type { LayoutsPlan } from './layout-plan.ts';

/** Throws what stands in the way of moving any sink. */
export function requireMovable({ agents, sinks }: LayoutsPlan): void {
  const refused = sinks.find(({ action }) => action === 'refuse');
  if (refused !== undefined) {
    const stored = refused.stored?.partitionBy.join(', ');
    throw new Fault(
      'fatal',
      'layout_differs',
      `Sink ${refused.sink} is partitioned by [${stored}] and cannot be moved to [${refused.configured.partitionBy.join(', ')}]: its states are ` +
        `not kept by that. Set partition_by: [${stored}], or give the sink another name to start it afresh.`,
    );
  }
  if (!sinks.some(({ action }) => action === 'move')) return;
  if (agents.length > 0)
    throw new Fault(
      'retryable',
      'agents_alive',
      `${agents.map(({ agent, host, pid }) => `${agent} (pid ${pid} on ${host})`).join(', ')} ${agents.length === 1 ? 'is' : 'are'} running. Stop all ` +
        'agents of the cluster first; one that was killed counts as alive until its last heartbeat is `timing.lease_ttl_ms` old.',
    );
  for (const { action, sink, waiting, outbox } of sinks)
    if (action === 'move' && waiting + outbox > 0)
      throw new Fault(
        'retryable',
        'topics_not_drained',
        `Sink ${sink} still has ${waiting} entries in its topics and ${outbox} outputs in its outboxes, of the old number of partitions. Let ` +
          '`topics apply` compute and publish them first (without `--no-drain`); if entries stay, `ceilograph status` says why.',
      );
}
