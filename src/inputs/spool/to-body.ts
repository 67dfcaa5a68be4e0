import { readEntry } from '../../core/spool/entry.ts';
import { toNotification } from '../../core/spool/notification.ts';
import { classify } from '../../model/faults.ts';
import { printJson } from '../../model/json-text.ts';
import type { ArrivalRow } from '../../services/spooler/arrivals.ts';

/** The notification as JSON. What is no record is given on as it came, so that it becomes a dead letter with its bytes. */
export function toBody(row: ArrivalRow): Uint8Array {
  try {
    const { atMs, record } = readEntry(row.entry);
    return Buffer.from(printJson(toNotification({ id: row.id, tag: row.tag, peer: row.peer, atMs, record })));
  } catch (thrown) {
    if (classify(thrown).class !== 'poison') throw thrown;
    return row.entry;
  }
}
