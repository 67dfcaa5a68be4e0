import { serverFate } from '../../core/mail/outcome.ts';
import type { DeliveryOptions } from './delivery-options.ts';
import type { ServerLane } from './server-lane.ts';
import type { SessionEnd } from './smtp-session.ts';

/** What the end of a session means for its server. */
export function endOf(options: DeliveryOptions, lane: ServerLane, end: SessionEnd, sent = 0): void {
  const { clock, emit, time } = options;
  const fate = serverFate(end.verdict);
  lane.lastReply = end.said;
  lane.lastReplyAt = time.now();
  // A server that ends a session of some mails is within its rights; one that lets no mail through is not.
  if (fate === 'well' && sent > 0) return;
  lane.failed(clock.monotonic(), fate === 'longest' || fate === 'alarm' ? 'longest' : 'usual');
  const until = lane.health.kind === 'cooling' ? lane.health.forMs : 0;
  emit('mail:server-away', { server: lane.name, stage: end.stage, said: end.said, forMs: until });
  if (fate === 'alarm') raise(options, lane, end.said);
}

/** Once, until the server works again. */
export function raise({ emit }: DeliveryOptions, lane: ServerLane, reason: string): void {
  if (lane.alarm === null) emit('mail:alarm', { server: lane.name, reason, alarm: 1 });
  lane.alarm = reason;
}
