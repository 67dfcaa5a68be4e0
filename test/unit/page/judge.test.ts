import { describe, expect, it } from 'vitest';
import type { Overview } from '../../../src/admin/overview.ts';
import { judge } from '../../../src/page/judge.ts';
import { anOverview } from '../admin/an-overview.ts';

const sink: Overview['sinks'][number] = {
  sink: 'cpu',
  from: 'samples',
  direct: false,
  partitions: 2,
  unowned: 0,
  troubled: 0,
  entries: 0,
  bytes: 0,
  fill: 0,
  outboxItems: 0,
  stateKeys: 0,
  publishers: ['file'],
  appliedPerSecond: 0,
  acceptedPerSecond: 0,
};
const [partition] = anOverview().partitions;
const [publisher] = anOverview().publishers;
const [input] = anOverview().inputs;
const mail = { states: {}, digestLines: 0, bytes: 0, fill: 0, oldestSeconds: 0 };
const spool = { site: 'a', role: 'source', listening: null, waiting: 0, deferred: 0, corrupted: 0, arrived: 0, connections: [] };

const cases: readonly (readonly [string, Partial<Overview>, 'critical' | 'warning', RegExp])[] = [
  ['no agent', { members: [] }, 'critical', /^No agent is alive\.$/],
  ['a partition without owner', { sinks: [{ ...sink, unowned: 1 }] }, 'critical', /^1 partition of cpu has no owner\.$/],
  ['partitions without owner', { sinks: [{ ...sink, unowned: 2 }] }, 'critical', /^2 partitions of cpu have no owner\.$/],
  [
    'a partition that stands still',
    { partitions: [{ ...partition, trouble: { kind: 'failed', text: 'the log has a gap' } } as Overview['partitions'][number]] },
    'critical',
    /stands still: the log has a gap$/,
  ],
  [
    'a partition that waits',
    { partitions: [{ ...partition, trouble: { kind: 'gap', text: 'holds 3 entries' } } as Overview['partitions'][number]] },
    'warning',
    /p0 holds 3 entries\.$/,
  ],
  ['a full topic', { sinks: [{ ...sink, fill: 1 }] }, 'critical', /^cpu holds as much as it may; its inputs wait\.$/],
  ['a nearly full topic', { sinks: [{ ...sink, fill: 0.85 }] }, 'warning', /^cpu is 85 % full/],
  [
    'an open breaker',
    { publishers: [{ ...publisher, breaker: 'open', lastError: 'refused' } as Overview['publishers'][number]] },
    'warning',
    /^a cannot reach file of cpu: refused\.$/,
  ],
  [
    'a lost source',
    { inputs: [{ ...input, state: 'disconnected' } as Overview['inputs'][number]] },
    'warning',
    /^http of a has lost its source/,
  ],
  [
    'a broker that blocks',
    { inputs: [{ ...input, state: 'blocked' } as Overview['inputs'][number]] },
    'warning',
    /is blocked by its broker/,
  ],
  [
    'a mail server that alarms',
    { mail: { ...mail, servers: [{ name: 'm', away: true, alarm: 'auth' }] } },
    'critical',
    /^The mail server m wants .*: auth\.$/,
  ],
  [
    'a mail server that is away',
    { mail: { ...mail, servers: [{ name: 'm', away: true, alarm: null }] } },
    'warning',
    /^The mail server m does not work/,
  ],
  ['a queue of mails that fills', { mail: { ...mail, fill: 0.9, servers: [] } }, 'warning', /90 % full/],
  ['a site that is missing', { spool: { ...spool, missing: ['b'] } }, 'warning', /^The site b is not connected\.$/],
  ['an agent that starts', { servedBy: { ...anOverview().servedBy, reason: 'starting' } }, 'warning', /not ready: starting/],
];

describe('what needs attention', () => {
  it('is nothing when all is well', () => {
    expect(judge({ ...anOverview(), sinks: [sink] })).toEqual([]);
  });

  it.each(cases)('is %s', (_what, change, level, text) => {
    expect(judge({ ...anOverview(), ...change })).toEqual([{ level, text: expect.stringMatching(text) }]);
  });

  it('has the worst at the top, and is not a page long', () => {
    const many = Array.from({ length: 50 }, (_, i) => ({ ...partition, unit: `p${i}`, trouble: { kind: 'failed', text: 'x' } }));
    const findings = judge({
      ...anOverview(),
      partitions: many as Overview['partitions'],
      publishers: Array.from({ length: 50 }, () => ({ ...publisher, breaker: 'open' }) as Overview['publishers'][number]),
    });

    expect(findings.map(({ level }) => level)).toEqual([...Array(4).fill('critical'), ...Array(6).fill('warning')]);
    expect(findings[3]?.text).toBe('47 more partitions stand still.');
  });
});
