import { hostname } from 'node:os';
import type { SpoolerSettings } from '../../core/spool/settings.ts';
import type { Table } from '../../lib/lmdb-environment.ts';

/** What everybody who opens the spool of a site goes by: kept in it, because publishers know nothing of the spooler's settings. */
export interface Agreed {
  readonly site: string;
  /** '' for whichever sink is there, or the names of the sinks that get a copy each. */
  readonly lanes: readonly string[];
  readonly maxBytes: number;
  readonly maxNotificationBytes: number;
  readonly onFull: 'reject' | 'drop_oldest';
  readonly rememberMs: number;
}

const key = 'agreed';

export function toAgreed(settings: SpoolerSettings): Agreed {
  return {
    site: settings.site ?? hostname(),
    lanes: settings.sinks.length === 0 ? [''] : settings.sinks,
    maxBytes: settings.max_spool_bytes,
    maxNotificationBytes: settings.max_notification_bytes,
    onFull: settings.on_full,
    rememberMs: settings.remember * 1000,
  };
}

/** `undefined`: no spooler has run here yet. */
export function readAgreed(table: Table<string>): Agreed | undefined {
  const text = table.get(key);
  return text === undefined ? undefined : (JSON.parse(text) as Agreed);
}

export function writeAgreed(table: Table<string>, agreed: Agreed): void {
  table.put(key, JSON.stringify(agreed));
}
