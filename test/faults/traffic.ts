import type { RawNotification } from '../../src/cli/demo/traffic.ts';
import type { OsloNotification } from '../peers/oslo/oslo-notifier.ts';

/**
 * The demo's cloud, said by oslo.messaging: half of the instances without an envelope. All with one priority, so that there is one raw
 * queue, whose order the oracle replays. oslo.messaging gives message ids and timestamps of its own.
 */
export function asOslo(notification: RawNotification, exchange: string): OsloNotification {
  const envelope = JSON.parse(notification.body) as { readonly 'oslo.message': string };
  const { publisher_id, event_type, payload } = JSON.parse(envelope['oslo.message']) as OsloNotification;
  const version = Number.parseInt(notification.resource.slice(0, 1), 16) % 2 === 0 ? 1 : 2;
  const ctxt = { request_id: `req-${notification.resource}`, project_id: 'faults' };
  return { exchange, version, priority: 'info', publisher_id, event_type, ctxt, payload };
}
