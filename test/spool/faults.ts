import type { Tally } from '../run/report.ts';
import { runPicked } from '../run/vitest-run.ts';

export interface SpoolFault {
  readonly id: string;
  readonly about: string;
}

/** Each is one or more tests whose titles name it; those below `test/unit` run with `npm test` as well. */
export const spoolFaults: readonly SpoolFault[] = [
  { id: 'S1', about: 'local notifications are taken in apart' },
  { id: 'S2', about: 'a site has one role or none' },
  { id: 'S3', about: 'listens on 6675, heartbeat every 10 s' },
  { id: 'S4', about: 'dials a list, closes after 15 s of silence, cools down 4 s' },
  { id: 'S5', about: 'several sinks: one delivery with failover, or a copy each' },
  { id: 'S6', about: "Checkmk's settings are understood, and ignored once ours are set" },
  { id: 'S7', about: 'one loop, in which nobody starves' },
  { id: 'S8', about: 'several connections to a listening source, signs of life on each' },
  { id: 'S9', about: 'status file, verdict, counters' },
  { id: 'S10', about: 'the sink dies between flush and acknowledgement' },
  { id: 'S11', about: 'the source dies after it sent' },
  { id: 'S12', about: 'an acknowledgement is lost, or never comes' },
  { id: 'S13', about: 'an acknowledgement of a chunk that was never sent' },
  { id: 'S14', about: 'one chunk over two connections' },
  { id: 'S15', about: 'half a frame, then silence' },
  { id: 'S16', about: 'a source stopped with SIGSTOP, and continued (a minute)' },
  { id: 'S17', about: 'a line that drops everything' },
  { id: 'S18', about: 'fifty connections, one of them stalled (a minute)' },
  { id: 'S19', about: 'a backlog of 100,000 while live traffic flows (a minute)' },
  { id: 'S20', about: 'a full disk, a full spool' },
  { id: 'S21', about: 'unreadable, empty and foreign spool files' },
  { id: 'S22', about: 'the clock is set back by an hour' },
  { id: 'S23', about: 'both sides dial' },
  { id: 'S24', about: 'a role that is both is refused' },
  { id: 'S25', about: 'old settings alone, and beside new ones' },
  { id: 'S26', about: 'the port is taken' },
  { id: 'S27', about: 'IPv6 peers' },
  { id: 'S28', about: 'one host twice' },
  { id: 'S29', about: 'a wrong key' },
  { id: 'S30', about: 'a certificate of another name' },
  { id: 'S31', about: 'a notification of 10 MB' },
  { id: 'S32', about: 'the status file is read while it is written' },
  { id: 'S33', about: 'the status file of a dead process' },
  { id: 'S34', about: 'counters since the start' },
  { id: 'S35', about: '100 kills at either end over 100,000 notifications (minutes)' },
];

export const spoolTests = ['test/unit/spool', 'test/spool'];

export function triedOnSpooler({ id }: SpoolFault): Promise<Tally> {
  return runPicked(spoolTests, `(^| )${id}( |$)`);
}
