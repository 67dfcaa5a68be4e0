import { announce, defaultAnnounce } from '../src/core/liveness/announce.ts';
import type { HostDefinition } from '../src/core/liveness/host-definition.ts';
import { itemSources, livenessItem } from '../src/core/liveness/items.ts';
import { liveness } from '../src/core/liveness/liveness.ts';
import { defaultSettings } from '../src/core/liveness/settings.ts';
import { type Chain, createChain } from '../src/core/transformers/chain.ts';
import type { Event } from '../src/model/event.ts';
import type { Item } from '../src/model/item.ts';
import type { JsonObject } from '../src/model/json.ts';
import { partitionOf } from '../src/model/stable-hash.ts';
import { cpuSeconds, rssAnonMiB } from './process-figures.ts';

export interface CoreFigures {
  readonly hosts: number;
  readonly deadlines: number;
  readonly microsPerReport: number;
  /** CPU of one tick of all partitions while everybody reports. */
  readonly tickMs: number;
  /** All hosts silent: CPU from the tick that finds them to the last state and transition. */
  readonly stormStatesSeconds: number;
  /** Of who announces: hearing of all of them, and saying it. */
  readonly stormAnnounceSeconds: number;
  readonly notifications: number;
  readonly rssAnonMiB: number;
}

const partitions = 16;
const wall = 1_800_000_000_000;

/** All partitions in this process, without topics and stores: what judging costs. */
export function measureCore(hosts: number, services: number): CoreFigures {
  const before = rssAnonMiB('self');
  const chains = Array.from({ length: partitions }, () =>
    createChain({ cluster: 'b', sink: 'liveness', steps: [{ transformer: liveness, parameters: defaultSettings }] }),
  );
  const names = Array.from({ length: hosts }, (_, i) => `host-${i}`);
  const serviceNames = ['uptime', ...Array.from({ length: services - 1 }, (_, i) => `service-${i}`)];
  const at = (second: number) => ({ partition: second * 1_000, watermark: 0, now: wall + second * 1_000 });
  const chainOf = new Map(names.map((host) => [host, chains[partitionOf([host], partitions)] as Chain]));
  for (const host of names) {
    const item = livenessItem(itemSources.host, host, '', definition(host, serviceNames), host, wall);
    chainOf.get(host)?.applyNotification(host, [item], at(0));
  }
  const data = Object.fromEntries(serviceNames.map((service) => [service, {}]));
  let reports = 0;
  const reportAll = (second: number) => {
    for (const host of names) {
      const item = livenessItem(itemSources.reports, host, '', data, host, wall);
      reports += services;
      chainOf.get(host)?.applyNotification(`${host}${second}`, [item], at(second));
    }
  };
  reportAll(1);
  drop(chains);
  let began = cpuSeconds('self');
  reports = 0;
  reportAll(30);
  const microsPerReport = ((cpuSeconds('self') - began) * 1e6) / reports;
  drop(chains);
  const rss = rssAnonMiB('self') - before;
  began = cpuSeconds('self');
  for (let second = 31; second <= 90; second++) for (const chain of chains) chain.advance(at(second));
  const tickMs = ((cpuSeconds('self') - began) * 1e3) / 60;
  drop(chains);
  // Everybody was heard last at 30: 60 s of interval, 10 of tolerance and 10 of slack later all are late at once.
  began = cpuSeconds('self');
  const transitions: Item[] = [];
  for (let second = 91; second <= 112; second++)
    for (const chain of chains) for (const item of chain.advance(at(second)).out) transitions.push(item);
  const stormStatesSeconds = cpuSeconds('self') - began;
  drop(chains);
  const desk = createChain({ cluster: 'b', sink: 'said', steps: [{ transformer: announce, parameters: defaultAnnounce }] });
  const fleet = livenessItem(itemSources.fleet, '', '', { total: hosts, groups: { all: hosts } }, 'f', wall);
  began = cpuSeconds('self');
  const said: Item[] = [...desk.applyNotification('f', [fleet], at(112)).out];
  for (const item of transitions) said.push(...desk.applyNotification((item as Event).message_id, [item], at(112)).out);
  for (let second = 113; second <= 145; second++) said.push(...desk.advance(at(second)).out);
  const stormAnnounceSeconds = cpuSeconds('self') - began;
  return {
    hosts,
    deadlines: hosts * services,
    microsPerReport,
    tickMs,
    stormStatesSeconds,
    stormAnnounceSeconds,
    notifications: said.length,
    rssAnonMiB: rss,
  };
}

function definition(host: string, services: readonly string[]): JsonObject {
  const one: HostDefinition = {
    host,
    address: '10.0.0.1',
    groups: ['all'],
    parents: [],
    services: services.map((name) => ({ name, intervalMs: 60_000, toleranceMs: 10_000, downAfter: 1 })),
    triggers: [],
    maintenance: [],
  };
  return one as unknown as JsonObject;
}

/** As a commit would. */
function drop(chains: readonly Chain[]): void {
  for (const chain of chains) chain.takeDirty();
}
