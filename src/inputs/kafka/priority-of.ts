import { priorities } from '../../model/notification.ts';

/** oslo.messaging names the topic `<topic>.<priority>`; a body without priority takes this one. */
export function priorityOf(topic: string): string | undefined {
  const last = topic.slice(topic.lastIndexOf('.') + 1).toLowerCase();
  return priorities.find((priority) => priority === last);
}
