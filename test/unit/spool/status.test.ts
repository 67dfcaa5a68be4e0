import { describe, expect, it } from 'vitest';
import { type ConnectionStatus, type SpoolerStatus, statusText } from '../../../src/core/spool/status.ts';
import { defaultLimits, judge } from '../../../src/core/spool/verdict.ts';
import { readAsCheckmk } from './checkmk-rules.ts';

const nowMs = 1_571_151_346_000;
const empty = { count: 0, oldestMs: null, youngestMs: null };
const connection: ConnectionStatus = {
  peer: 'east',
  address: '127.0.0.1:49850',
  type: 'incoming',
  state: 'established',
  message: null,
  sinceMs: nowMs - 7_405_000,
  connectSeconds: null,
  sent: 41,
  received: 42,
  pending: 0,
  fd: 6,
  heartbeatSeconds: 10,
  lastIncomingMs: nowMs - 1_517_000,
  lastHeartbeatMs: nowMs - 2_000,
  inputBytes: 0,
  outputBytes: 0,
};
const status = (changes: Partial<SpoolerStatus> = {}): SpoolerStatus => ({
  version: '0.1.0',
  site: 'centre',
  role: 'sink',
  updatedMs: nowMs,
  startedMs: nowMs - 7_420_000,
  configurationMs: nowMs - 7_420_000,
  listening: { fd: 5, port: 6675 },
  spools: { New: empty, Deferred: empty, Corrupted: empty },
  arrived: 0,
  totals: {},
  connections: [connection],
  expectedPeers: [],
  ...changes,
});
const section = (of: SpoolerStatus) => readAsCheckmk(`${nowMs / 1000 + 18}\n[${of.site}]\n${statusText(of)}`);

describe('the status file', () => {
  it('has the words, the order and the spaces of Checkmk', () => {
    expect(statusText(status())).toBe(
      `Version:         0.1.0
Updated:         1571151346 (2019-10-15 14:55:46)
Started:         1571143926 (2019-10-15 12:52:06, 7420 sec ago)
Configuration:   1571143926 (2019-10-15 12:52:06, 7420 sec ago)
Listening FD:    5

Spool:           New
Count:           0
Oldest:
Youngest:

Spool:           Deferred
Count:           0
Oldest:
Youngest:

Spool:           Corrupted
Count:           0
Oldest:
Youngest:

Queue:           None
Waiting:         0
Processing:      0

Site:                     east (127.0.0.1:49850)
Connection:               127.0.0.1:49850
Type:                     incoming
State:                    established
Since:                    1571143941 (2019-10-15 12:52:21, 7405 sec ago)
Notifications Sent:       41
Notifications Received:   42
Pending Acknowledgements:
Socket FD:                6
HB. Interval:             10 sec
LastIncomingData:         1571149829 (2019-10-15 14:30:29, 1517 sec ago)
LastHeartbeat:            1571151344 (2019-10-15 14:55:44, 2 sec ago)
InputBuffer:              0 Bytes
OutputBuffer:             0 Bytes
`,
    );
  });

  it('is taken apart by the rules of its check', () => {
    const outgoing: ConnectionStatus = {
      ...connection,
      peer: null,
      address: '10.0.0.9:6675',
      type: 'outgoing',
      state: 'cooldown',
      message: 'connect ECONNREFUSED',
      connectSeconds: 0.0021,
    };
    const deferred = { count: 3, oldestMs: nowMs - 90_000, youngestMs: nowMs - 1_000 };
    const { sites } = section(
      status({ connections: [connection, outgoing], spools: { New: empty, Deferred: deferred, Corrupted: empty } }),
    );

    expect(sites['centre']).toMatchObject({
      version: '0.1.0',
      updated: nowMs / 1000,
      spools: { New: { count: 0, oldest: null }, Deferred: { count: 3, oldest: nowMs / 1000 - 90 } },
      connections: {
        '127.0.0.1': { state: 'established', sent: 41, received: 42 },
        '10.0.0.9:6675': { type: 'outgoing', state: 'cooldown', message: 'connect ECONNREFUSED', connectTime: 0.002 },
      },
      connectionsBySite: { east: { type: 'incoming' }, '10.0.0.9:6675': { type: 'outgoing' } },
    });
  });

  it('keeps its lines whatever the other side calls itself', () => {
    const { sites } = section(
      status({ connections: [{ ...connection, peer: 'x\nState: established\u2028[evil]\n', message: 'a\r\nSpool: New' }] }),
    );

    expect(Object.keys(sites)).toEqual(['centre']);
    expect(Object.keys(sites['centre']?.spools ?? {})).toEqual(['New', 'Deferred', 'Corrupted']);
  });

  it.each(['::1', '::ffff:127.0.0.1', 'fe80::1'])('keeps the address of an IPv6 peer apart from its port: %s', (address) => {
    const { sites } = section(status({ connections: [{ ...connection, address: `${address}:49850` }] }));

    expect(Object.keys(sites['centre']?.connections ?? {})).toEqual([address]);
  });

  it('shows no negative age when the clock was set back', () => {
    const text = statusText(status({ startedMs: nowMs + 3_600_000 }));

    expect(text).toContain('0 sec ago');
    expect(text).not.toMatch(/-\d+ sec ago/);
  });

  it('holds the error of a port that is taken', () => {
    expect(statusText(status({ listening: { fault: 'listen EADDRINUSE: address already in use' } }))).toContain(
      'Listening FD:    listen EADDRINUSE: address already in use\n',
    );
  });
});

describe('the verdict on a status', () => {
  const verdict = (changes: Partial<SpoolerStatus>, expected: readonly string[] = [], laterMs = 1_000) =>
    judge(status(changes), nowMs + laterMs, defaultLimits, expected);
  const spools = (name: 'New' | 'Deferred' | 'Corrupted', count: number, ageMs: number) => ({
    spools: { ...status().spools, [name]: { count, oldestMs: nowMs - ageMs, youngestMs: nowMs } },
  });

  it.each<[string, Partial<SpoolerStatus>, readonly string[], number, 0 | 1 | 2, string]>([
    ['all is well', {}, [], 1_000, 0, 'sink centre, 1 connected'],
    ['the status is 31 s old', {}, [], 31_000, 1, 'status written 31 s ago'],
    ['the status of a process that died', {}, [], 91_000, 2, 'status written 91 s ago'],
    ['one notification deferred for 6 s', spools('Deferred', 1, 5_000), [], 1_000, 1, '1 deferred, the oldest for 6 s'],
    [
      'one notification deferred for eleven minutes',
      spools('Deferred', 1, 660_000),
      [],
      1_000,
      2,
      '1 deferred, the oldest for 661 s',
    ],
    ['something corrupted', spools('Corrupted', 2, 0), [], 1_000, 1, '2 corrupted'],
    ['ten thousand waiting', spools('New', 10_000, 0), [], 1_000, 1, '10000 wait to be sent'],
    ['an expected peer missing', {}, ['west'], 1_000, 2, 'west is not connected'],
    ['an expected peer of the settings missing', { expectedPeers: ['north'] }, [], 1_000, 2, 'north is not connected'],
    ['an expected peer there', {}, ['east'], 1_000, 0, 'sink centre, 1 connected'],
    ['a port that is taken', { listening: { fault: 'in use' } }, [], 1_000, 2, 'cannot listen: in use'],
  ])('S9 S33 says so when there is %s', (_what, changes, expected, laterMs, code, line) => {
    const found = verdict(changes, expected, laterMs);

    expect([found.code, found.lines[0]]).toEqual([code, line]);
  });

  it('is critical for a connection that we dial and do not get, a warning before the first try', () => {
    const outgoing = { ...connection, type: 'outgoing' as const };

    expect(verdict({ connections: [{ ...outgoing, state: 'connecting' }] }).code).toBe(2);
    expect(verdict({ connections: [{ ...outgoing, state: 'cooldown', message: 'refused' }] }).lines).toEqual([
      '127.0.0.1:49850 is cooldown: refused',
    ]);
    expect(verdict({ connections: [{ ...outgoing, state: 'initial' }] }).code).toBe(1);
  });

  it('tells the figures in the form of monitoring plugins', () => {
    const { perfdata } = verdict({});

    expect(perfdata.split(' ').every((each) => /^[a-z_]+=\d+(?:\.\d+)?[sc]?(?:;\d+){0,2}$/.test(each))).toBe(true);
    expect(perfdata).toContain('sent=41c received=42c pending=0');
  });
});
