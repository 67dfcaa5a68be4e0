import { describe, expect, it } from 'vitest';
import { oldHost, oldPass, passMs } from '../../../src/core/liveness/crazymonitor.ts';
import { regular, vectors } from './vectors.ts';

/** What the original printed on a virtual clock: changes as `at from->to`, how many alerts, the first and the last. */
const printed: Readonly<Record<string, { changes: string; alerts: number; first: string; last: string }>> = {
  A: { changes: '0 1->5, 300 5->1', alerts: 2, first: '0 uptime', last: '0 cpu' },
  B: { changes: '0 1->5, 300 5->1, 330 1->3', alerts: 21, first: '0 uptime', last: '870 uptime' },
  C: {
    changes: `0 1->5, 300 5->1, 330 1->3, ${Array.from({ length: 22 }, (_, i) => `${360 + 30 * i} ${i % 2 === 0 ? '3->5' : '5->3'}`).join(', ')}`,
    alerts: 36,
    first: '0 uptime',
    last: '990 uptime',
  },
  D: { changes: '0 1->5, 300 5->1, 330 1->3, 990 3->1', alerts: 15, first: '0 uptime', last: '690 uptime' },
  E: { changes: '0 1->5', alerts: 36, first: '0 uptime', last: '690 uptime' },
  F: { changes: '0 1->5, 390 5->1', alerts: 6, first: '0 uptime', last: '90 uptime' },
  G: { changes: '0 1->5, 300 5->1, 7200 1->5, 7500 5->1', alerts: 3, first: '0 uptime', last: '7200 disk' },
};

describe('the original loop', () => {
  it.each(vectors)('gives in case $id what it printed', ({ id, services, reports, seconds }) => {
    const list = Object.entries(services).map(([name, interval]) => ({ name, intervalMs: interval * 1_000 }));
    const waiting = [...reports].sort(([a], [b]) => a - b);
    const last: Record<string, number> = {};
    const [changes, alerts]: [string[], string[]] = [[], []];
    let state = oldHost(0);

    for (let now = 0; now < seconds * 1_000; now += passMs) {
      while ((waiting[0]?.[0] ?? Number.POSITIVE_INFINITY) * 1_000 <= now) {
        const [at, service] = waiting.shift() as [number, string];
        last[service] = at * 1_000;
      }
      const pass = oldPass(state, list, last, now);
      state = pass.state;
      for (const { from, to } of pass.changes) changes.push(`${now / 1_000} ${from}->${to}`);
      for (const { service } of pass.alerts) alerts.push(`${now / 1_000} ${service}`);
    }

    expect({ changes: changes.join(', '), alerts: alerts.length, first: alerts[0], last: alerts.at(-1) }).toEqual(printed[id]);
  });

  it('takes reports at an interval, the first one after an offset of a second', () => {
    expect(regular('uptime', 30, 0, 90)).toEqual([
      [1, 'uptime'],
      [31, 'uptime'],
      [61, 'uptime'],
    ]);
  });
});
