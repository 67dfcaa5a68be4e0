import type { Json } from '../../../src/model/json.ts';
import type { Notification } from '../../../src/model/notification.ts';

/** A notification with the fields a test cares about. */
export function notification(payload: Json, fields: Partial<Notification> = {}): Notification {
  return {
    message_id: 'm-1',
    publisher_id: 'svc.host1',
    event_type: 'test.create',
    priority: 'info',
    timestamp: '2020-02-03 04:05:06.789000',
    ctxt: { user_id: 'cu', project_id: 'cp', request_id: 'req-1' },
    payload,
    ...fields,
  };
}
