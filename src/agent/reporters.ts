import type { AssignmentEvent } from '../pipeline/assignment-loop.ts';
import type { WorkerEvent } from '../pipeline/worker.ts';
import type { Emit } from '../telemetry/events.ts';

/** From what the loops report to the one table of events. */
export function assignmentReporter(emit: Emit): (event: AssignmentEvent) => void {
  return (event) => {
    switch (event.kind) {
      case 'acquired':
        return emit('partition:acquired', { partition: event.unit, epoch: event.epoch });
      case 'released':
        return emit('partition:released', { partition: event.unit, epoch: event.epoch });
      case 'lost':
        return emit('partition:fenced', { partition: event.unit, epoch: event.epoch });
      case 'failed':
        return emit('partition:suspended', { partition: event.unit, reason: 'failed', error: event.error });
      case 'planned':
        return emit('plan:committed', { version: event.version, members: event.members });
      case 'unreachable':
        return emit('group:unreachable', { error: event.error });
    }
  };
}

export function workerReporter(emit: Emit, sink: string, partition: string, epoch: number): (event: WorkerEvent) => void {
  return (event) => {
    switch (event.kind) {
      case 'running':
        return emit('partition:restored', { partition, version: event.version, keys: event.keys, outbox: event.outbox });
      case 'fenced':
        return emit('partition:fenced', { partition, epoch });
      case 'stopped':
        return emit('partition:stopped', { partition, reason: event.code });
      case 'feed-late':
        return emit('feed:late', { sink, input: 'any', ageMs: 15_000 });
      case 'gap':
        return emit('partition:gap', { partition, held: event.held });
      case 'gap-closed':
        return emit('partition:gap-closed', { partition });
      case 'passed-over':
        return emit('partition:passed-over', { partition, listener: event.listener, entries: event.entries });
    }
  };
}
