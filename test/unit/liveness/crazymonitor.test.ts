import { describe, expect, it } from 'vitest';
import { oldHost, oldPass, passMs } from '../../../src/core/liveness/crazymonitor.ts';
import { crazymonitor } from '../../../src/core/liveness/crazymonitor-step.ts';
import { itemSources, livenessItem } from '../../../src/core/liveness/items.ts';
import { createChain } from '../../../src/core/transformers/chain.ts';
import type { Event } from '../../../src/model/event.ts';
import type { Item } from '../../../src/model/item.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { regular, vectors } from './vectors.ts';
import { hostWith } from './world.ts';

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

  it.each(vectors)('does so as the step of a partition too: $id', ({ id, services, reports, seconds }) => {
    const chain = createChain({ cluster: 'c', sink: 's', steps: [{ transformer: crazymonitor, parameters: {} }] });
    const waiting = [...reports].sort(([a], [b]) => a - b);
    const [changes, alerts]: [string[], string[]] = [[], []];
    const collect = (out: readonly Item[], now: number) => {
      for (const { raw } of out as readonly Event[]) {
        if (raw['kind'] === 'state') changes.push(`${now} ${raw['was']}->${raw['status']}`);
        else alerts.push(`${now} ${raw['service']}`);
      }
    };
    const give = (item: Item, now: number) => chain.applyNotification('n', [item], { partition: now * 1_000, watermark: 0, now });

    collect(give(livenessItem(itemSources.host, 'h', '', hostWith('h', services) as unknown as JsonObject, 'd', 0), 0).out, 0);
    for (let now = 0; now < seconds; now++) {
      while ((waiting[0]?.[0] ?? Number.POSITIVE_INFINITY) <= now) {
        const [at, service] = waiting.shift() as [number, string];
        collect(give(livenessItem(itemSources.report, 'h', service, {}, `${at}`, 0), now).out, now);
      }
      collect(chain.advance({ partition: now * 1_000, watermark: 0, now }).out, now);
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
