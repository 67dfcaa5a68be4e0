import { announceSink, livenessSink } from '../config/liveness-sinks.ts';
import { type HostRow, type StormRow, stormOf } from '../core/liveness/desk-rows.ts';
import { fromJson as definitionFrom, type HostDefinition } from '../core/liveness/host-definition.ts';
import { type HostState, newHost, fromJson as stateFrom, statusWords } from '../core/liveness/host-state.ts';
import { itemSources, livenessItem } from '../core/liveness/items.ts';
import { type Silence, silenceOf } from '../core/liveness/silences.ts';
import { parseState } from '../core/transformers/state-text.ts';
import type { Clock } from '../lib/clock.ts';
import type { JsonObject } from '../model/json.ts';
import { partitionOf, stableId } from '../model/stable-hash.ts';
import { OwnerFeed } from '../pipeline/owner-feed.ts';
import type { WatchedHost } from '../services/livestatus-proxy/host-tables.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';
import type { Places } from './places.ts';

/** One host as an operator sees it. Times are ISO 8601 in UTC. The shape `hosts --json` prints. */
export interface HostView extends WatchedHost {
  readonly incident: string | null;
  readonly maintainedUntil: string | null;
  readonly services: readonly (WatchedHost['services'][number] & { readonly toleranceSeconds: number })[];
}

export interface HostsView {
  readonly version: 1;
  readonly hosts: readonly HostView[];
  readonly silences: readonly Silence[];
}

/** All hosts, as the partitions stored them last. */
export async function readHosts(places: Places, cluster: string): Promise<HostsView> {
  const refs = await places.topics.list(cluster);
  const told = new Map<string, string>();
  const silences: Silence[] = [];
  const announced = await rowsOf(places, refs, announceSink);
  const storms = new Map<string, StormRow>();
  for (const [key, row] of announced) if (key.startsWith('g:')) storms.set(key.slice(2), row as unknown as StormRow);
  for (const [key, json] of announced) {
    const row = json as unknown as HostRow;
    if (key.startsWith('h:')) told.set(key.slice(2), stormOf(row, storms) === null ? row.phase : 'stormed');
    else if (key === 's') silences.push(...(json['list'] as readonly JsonObject[]).map(silenceOf));
  }
  const hosts: HostView[] = [];
  for (const ref of refs.filter(({ sink }) => sink === livenessSink)) {
    const rows = await rowsOf(places, [ref], livenessSink);
    const now = Number(rows.get('m')?.['p'] ?? 0);
    for (const [key, row] of rows) {
      if (!key.startsWith('d:')) continue;
      const host = key.slice(2);
      const state = rows.get(`s:${host}`);
      const old = rows.get(`o:${host}`);
      const known = state === undefined ? (old === undefined ? null : oldState(old)) : stateFrom(state);
      if (known !== null)
        hosts.push(viewOf(definitionFrom(row), known, rows.get(`r:${host}`) ?? {}, now, told.get(host) ?? null));
    }
  }
  return { version: 1, hosts: hosts.sort((a, b) => (a.host < b.host ? -1 : 1)), silences };
}

/** As `compat: crazymonitor` keeps it, which knows no more. */
function oldState({ status, born }: JsonObject): HostState {
  return { ...newHost(0, Number(born), Number(born)), status: status as HostState['status'], reason: 'crazymonitor' };
}

async function rowsOf(places: Places, refs: readonly PartitionRef[], sink: string): Promise<Map<string, JsonObject>> {
  const texts = new Map<string, string>();
  for (const ref of refs.filter((each) => each.sink === sink)) {
    await places.store.peek(partitionName(ref), (chunk) => {
      for (const [key, text] of chunk) {
        if (text === null) texts.delete(key);
        else texts.set(key, text);
      }
    });
  }
  // `0/liveness/d:web1` → `[mark, row]`
  return new Map(
    [...texts].map(([key, text]) => [key.split('/').slice(2).join('/'), (parseState(text) as readonly [number, JsonObject])[1]]),
  );
}

function viewOf(definition: HostDefinition, state: HostState, reports: JsonObject, nowMs: number, told: string | null): HostView {
  const { host, address, groups, parents } = definition;
  return {
    host,
    address,
    groups,
    parents,
    status: statusWords[state.status],
    since: iso(state.since),
    reason: state.reason,
    incident: state.incident,
    flapping: state.flapping,
    maintainedUntil: state.maintainedUntil > 0 ? iso(state.maintainedUntil) : null,
    told,
    services: definition.services.map(({ name, intervalMs, toleranceMs }) => ({
      service: name,
      intervalSeconds: intervalMs / 1_000,
      toleranceSeconds: toleranceMs / 1_000,
      silentSeconds: reports[name] === undefined ? null : Math.max(0, Math.round((nowMs - Number(reports[name])) / 1_000)),
      lateSince: state.late[name] === undefined ? null : iso(state.late[name].since),
    })),
    triggers: definition.triggers.map(({ id, severity }) => ({
      trigger: id,
      severity,
      firedSince: state.fired[id] === undefined ? null : iso(Math.abs(state.fired[id])),
    })),
  };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/** Behind what waits in the partition of the host, for whoever owns it. `until` 0: the maintenance is over. Resolves once it is durable. */
export async function maintainHost(
  places: Places,
  cluster: string,
  host: string,
  until: number,
  clock: Clock,
  boot: string,
): Promise<void> {
  const refs = (await places.topics.list(cluster)).filter(({ sink }) => sink === livenessSink);
  const ref = refs.find(({ partition }) => partition === partitionOf([host], refs.length));
  const item = livenessItem(itemSources.maintain, host, '', { until }, stableId([boot, host]), clock.now());
  await tell(places, ref, item, clock, boot);
}

/** As a maintenance; who announces keeps quiet until then. */
export async function silenceHosts(places: Places, cluster: string, silence: Silence, clock: Clock, boot: string): Promise<void> {
  const ref = (await places.topics.list(cluster)).find(({ sink }) => sink === announceSink);
  const row = silence as unknown as JsonObject;
  await tell(
    places,
    ref,
    livenessItem(itemSources.silence, silence.id, '', row, stableId([boot, silence.id]), clock.now()),
    clock,
    boot,
  );
}

const withinMs = 10_000;

async function tell(
  places: Places,
  ref: PartitionRef | undefined,
  item: ReturnType<typeof livenessItem>,
  clock: Clock,
  boot: string,
): Promise<void> {
  if (ref === undefined) throw new Error('no agent has watched hosts here yet');
  const feed = new OwnerFeed(`hosts.${boot}`, await places.topics.openAppender(), clock);
  try {
    await feed.send(ref, [item], AbortSignal.timeout(withinMs));
  } finally {
    await feed.close();
  }
}
