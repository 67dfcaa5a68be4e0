import { z } from 'zod';
import { type Item, isEvent } from '../../model/item.ts';
import { isObject, type JsonObject } from '../../model/json.ts';
import type { Sample } from '../../model/sample.ts';
import type { Drop, Output, Relocation, TableResult, TableTransformer, Time } from '../transformers/transformer.ts';
import type { Fact } from './announcement.ts';
import { fromJson, type HostDefinition } from './host-definition.ts';
import { type HostState, newHost, toJson as stateJson } from './host-state.ts';
import { HostTurn, type Moment, type Reports, type Transition } from './host-turn.ts';
import { interned } from './intern.ts';
import { itemSources, reportsIn, transitionEvent } from './items.ts';
import { inLots } from './lots.ts';
import { definitionOf, hostsIn, lastBorn, type Meta, meta, metaOf, newest, type Rows, reportsOf, stateOf } from './rows.ts';
import { defaultSettings, type LivenessSettings } from './settings.ts';
import { TimingWheel } from './timing-wheel.ts';
import { pull, triggersOf } from './triggers.ts';

/**
 * The step of the sink that watches hosts: reports, definitions and maintenances in, what happened to whom out. One partition holds
 * all of a host, so its status has one writer; partition time drives its deadlines, so nobody is late while nobody can be heard.
 *
 * Where partition time stood still for long (the feed was late, nobody owned the partition), no deadline counts from before: whoever
 * could not be heard has a whole interval again.
 */
const Parameters = z.custom<LivenessSettings>(isObject);
const State = z.custom<JsonObject>(isObject).transform(interned);

/** Wall clock that passed without partition time, above which nobody could be heard. Ticks that come late are below it. */
const deafMs = 5_000;
/** So long partition time may stand, by the clocks of those who append, before it is told: a canary that is late stops it after 15 s. */
const feedLateMs = 10_000;

export const liveness: TableTransformer<LivenessSettings, JsonObject> = {
  name: 'liveness',
  summary: 'Notices who no longer reports.',
  takes: ['samples'],
  gives: () => 'events',
  scope: 'partition',
  Parameters,
  State: State as unknown as TableTransformer<LivenessSettings, JsonObject>['State'],
  examples: [],
  partitionKeys: () => ['resource_id'],
  needsTime: () => true,
  forgets: () => true,
  step: (settings, rows, item, time) => new Turns(settings ?? defaultSettings, rows, time).take(item),
  flush: (settings, rows, time) => new Turns(settings ?? defaultSettings, rows, time).pass(),
  relocate: (_, rows, relocation) => relocated(rows, relocation),
};

/** Who is due when, beside the rows. It says nothing that the rows do not say, and is made of them again after a restart. */
const wheels = new WeakMap<Rows, TimingWheel>();

class Turns {
  readonly #settings: LivenessSettings;
  readonly #rows: Rows;
  readonly #moment: Moment;
  readonly #writes: [string, JsonObject | null][] = [];
  readonly #out: Output[] = [];
  /** What somebody should hear of, told together. */
  readonly #facts: Fact[] = [];
  readonly #dropped = new Map<string, number>();

  constructor(settings: LivenessSettings, rows: Rows, time: Time) {
    this.#settings = settings;
    this.#rows = rows;
    this.#moment = { partition: time.partition, now: time.now, resumed: metaOf(rows)?.g ?? 0 };
  }

  take(item: Item): TableResult<JsonObject> {
    if (isEvent(item)) return this.#drop('not_a_report');
    switch (item.source) {
      case itemSources.report:
      case itemSources.reports:
        return this.#report(item.resource_id, reportsIn(item) ?? []);
      case itemSources.host:
        return this.#define(fromJson(interned(item.resource_metadata)));
      case itemSources.roster:
        return this.#keepOnly(item.resource_metadata['hosts'] as readonly string[]);
      case itemSources.maintain:
        return this.#maintain(item);
      default:
        return this.#drop('not_a_report');
    }
  }

  /** What time has brought. */
  pass(): TableResult<JsonObject> {
    const moment = this.#noteTime();
    if (moment === null) return this.#result();
    for (const host of this.#wheel().takeDue(moment.partition)) {
      const definition = definitionOf(this.#rows, host);
      const state = stateOf(this.#rows, host);
      if (definition === undefined || state === undefined) continue;
      const reports = reportsOf(this.#rows, host);
      this.#settle(definition, state, new HostTurn(definition, reports, state, moment, this.#settings));
    }
    return this.#result();
  }

  /** Null when partition time has not moved. */
  #noteTime(): Moment | null {
    const before = metaOf(this.#rows);
    const { partition, now } = this.#moment;
    if (before !== undefined && partition <= before.p) {
      if (before.f === 0 && now - before.n > feedLateMs) this.#tellFeed(before);
      return null;
    }
    const deaf = before !== undefined && now - before.n - (partition - before.p) > deafMs;
    const next: Meta = { p: partition, n: now, g: deaf ? partition : (before?.g ?? 0), f: 0 };
    this.#writes.push([meta, { ...next }]);
    return { ...this.#moment, resumed: next.g };
  }

  /** Each partition tells it; who announces makes one of them. */
  #tellFeed(before: Meta): void {
    this.#writes.push([meta, { ...before, f: 1 }]);
    const facts = { kind: 'feed', since: before.n, at: this.#moment.now };
    this.#out.push({ item: transitionEvent('feed', facts, this.#moment.now), basis: ['feed', `${before.p}`, `${before.n}`] });
  }

  /** One service after the other, as if each had come alone: what is told does not depend on how reports were packed. */
  #report(host: string, given: readonly (readonly [service: string, data: JsonObject])[]): TableResult<JsonObject> {
    const definition = definitionOf(this.#rows, host);
    let state = stateOf(this.#rows, host);
    if (definition === undefined || state === undefined) return this.#drop('unknown_host', given.length);
    const before = reportsOf(this.#rows, host);
    const { partition } = this.#moment;
    const reports: Record<string, number> = { ...before };
    for (const [service, data] of given) {
      if (!definition.services.some(({ name }) => name === service)) {
        this.#drop('unknown_service');
        continue;
      }
      const isFirst = reports[service] === undefined;
      reports[service] = partition;
      const triggers = triggersOf(definition, service);
      // Nearly every report: all is well and stays so. The first one of a service brings its deadline nearer.
      if (triggers.length === 0 && !isFirst && isWell(state)) continue;
      const turn = new HostTurn(definition, reports, state, this.#moment, this.#settings);
      turn.reported(service);
      const failed = pull(triggers, data, new Set(Object.keys(state.fired)), turn);
      if (failed > 0) this.#drop('trigger_failed', failed);
      state = this.#settle(definition, state, turn);
    }
    if (given.some(([service]) => reports[service] !== before[service])) this.#writes.push([`r:${host}`, reports]);
    return this.#result();
  }

  #define(definition: HostDefinition): TableResult<JsonObject> {
    const { host } = definition;
    const { partition, now } = this.#moment;
    const known = stateOf(this.#rows, host);
    const state = known ?? newHost(partition, now, this.#newName());
    const before = definitionOf(this.#rows, host);
    // A new owner tells everything again.
    if (known !== undefined && before !== undefined && same(before, definition)) return this.#result();
    const names = new Set(definition.services.map(({ name }) => name));
    const kept = Object.entries(reportsOf(this.#rows, host)).filter(([name]) => names.has(name));
    const reports: Reports = Object.fromEntries(kept);
    this.#writes.push([`d:${host}`, definition as unknown as JsonObject], [`r:${host}`, { ...reports }]);
    // A service that is new to a host that is old has its whole time from now.
    const grown =
      before !== undefined && definition.services.some(({ name }) => !before.services.some((old) => old.name === name));
    const from = grown ? { ...state, from: Math.max(state.from, partition) } : state;
    this.#settle(definition, from, new HostTurn(definition, reports, from, this.#moment, this.#settings), true);
    return this.#result();
  }

  /** No two hosts of a partition have one: the later of one name would tell under the ids of the earlier. */
  #newName(): number {
    const born = Math.max(this.#moment.now, lastBorn(this.#rows) + 1);
    this.#writes.push([newest, { born }]);
    return born;
  }

  /** The whole list of who is expected in this partition: the others go. */
  #keepOnly(hosts: readonly string[]): TableResult<JsonObject> {
    const expected = new Set(hosts);
    for (const host of [...hostsIn(this.#rows)]) {
      if (expected.has(host)) continue;
      const definition = definitionOf(this.#rows, host) as HostDefinition;
      const state = stateOf(this.#rows, host);
      if (state !== undefined) {
        const turn = new HostTurn(definition, reportsOf(this.#rows, host), state, this.#moment, this.#settings);
        turn.remove();
        this.#tell(definition, state.born, turn.finish().transitions);
      }
      this.#wheel().disarm(host);
      for (const kind of ['d', 'r', 's']) this.#writes.push([`${kind}:${host}`, null]);
    }
    return this.#result();
  }

  #maintain({ resource_id: host, resource_metadata: { until } }: Sample): TableResult<JsonObject> {
    const definition = definitionOf(this.#rows, host);
    const state = stateOf(this.#rows, host);
    if (definition === undefined || state === undefined) return this.#drop('unknown_host');
    const reports = reportsOf(this.#rows, host);
    const turn = new HostTurn(definition, reports, state, this.#moment, this.#settings);
    turn.maintain(typeof until === 'number' ? until : 0);
    this.#settle(definition, state, turn);
    return this.#result();
  }

  #settle(definition: HostDefinition, before: HostState, turn: HostTurn, isNew = false): HostState {
    const { host } = definition;
    const { state, transitions } = turn.finish();
    if (isNew || !sameState(before, state)) this.#writes.push([`s:${host}`, stateJson(state)]);
    this.#tell(definition, state.born, transitions);
    const next = turn.nextLook(state);
    if (next !== null) this.#wheel().arm(host, next);
    return state;
  }

  #tell(definition: HostDefinition, born: number, transitions: readonly Transition[]): void {
    const { host, address, groups, parents } = definition;
    for (const transition of transitions) {
      if (transition.kind === 'state' && !this.#settings.tellsStates) continue;
      const { kind, seq, at, status, was, reason, incident, began, since, service, trigger, silentMs, allowedMs, attached } =
        transition;
      const severity = trigger === undefined ? undefined : definition.triggers.find(({ id }) => id === trigger)?.severity;
      this.#facts.push({
        host,
        born,
        address,
        groups,
        parents,
        kind,
        seq,
        at,
        status,
        was,
        reason,
        incident,
        began,
        since,
        service,
        trigger,
        silentMs,
        allowedMs,
        attached,
        severity,
      });
    }
  }

  #wheel(): TimingWheel {
    const there = wheels.get(this.#rows);
    if (there !== undefined) return there;
    const wheel = new TimingWheel(this.#moment.partition);
    // Whatever is due for whom, the first look arms it for the rest.
    for (const host of hostsIn(this.#rows)) wheel.arm(host, this.#moment.partition);
    wheels.set(this.#rows, wheel);
    return wheel;
  }

  #drop(reason: string, count = 1): TableResult<JsonObject> {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
    return this.#result();
  }

  #result(): TableResult<JsonObject> {
    const dropped: Drop[] = Array.from(this.#dropped, ([reason, count]) => ({ reason, count }));
    const out = [...this.#out, ...inLots(this.#facts, this.#moment.now)];
    return { writes: this.#writes, out, ...(dropped.length === 0 ? {} : { dropped }) };
  }
}

function isWell({ status, late, results }: HostState): boolean {
  if (status !== 1 || results !== '') return false;
  for (const _ in late) return false;
  return true;
}

/** Both are made by us, in one order of keys. */
function same(a: HostDefinition, b: HostDefinition): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Nearly every look at a host finds nothing new. What is left out here changes only together with what is not. */
function sameState(a: HostState, b: HostState): boolean {
  return (
    a.seq === b.seq &&
    a.status === b.status &&
    a.reason === b.reason &&
    a.from === b.from &&
    a.results === b.results &&
    a.flapping === b.flapping &&
    a.maintainedUntil === b.maintainedUntil &&
    sameMembers(a.late, b.late, (x, y) => x.good === y.good && x.down === y.down && x.told === y.told) &&
    sameMembers(a.fired, b.fired, (x, y) => x === y)
  );
}

function sameMembers<T>(a: Readonly<Record<string, T>>, b: Readonly<Record<string, T>>, equal: (x: T, y: T) => boolean): boolean {
  for (const name in b) if (a[name] === undefined) return false;
  for (const name in a) {
    const [x, y] = [a[name] as T, b[name]];
    if (y === undefined || !equal(x, y)) return false;
  }
  return true;
}

/** Every host to where its name belongs; the new partitions' time is that of the slowest of the old ones. */
function relocated(
  rows: readonly { readonly from: number; readonly key: string; readonly state: JsonObject }[],
  { partitions, home }: Relocation,
): (readonly [string, JsonObject])[][] {
  const metas = new Map(rows.filter(({ key }) => key === meta).map(({ from, state }) => [from, state as unknown as Meta]));
  const slowest = [...metas.values()].reduce<Meta | null>(
    (least, each) => (least === null || each.p < least.p ? each : least),
    null,
  );
  const places: [string, JsonObject][][] = Array.from({ length: partitions }, () => []);
  const born = Math.max(0, ...rows.filter(({ key }) => key === newest).map(({ state }) => state['born'] as number));
  for (const place of places) place.push([newest, { born }]);
  // Nobody has been heard while they were moved.
  if (slowest !== null) for (const place of places) place.push([meta, { ...slowest, g: slowest.p }]);
  for (const { from, key, state } of rows) {
    if (key === meta || key === newest) continue;
    const shift = (slowest?.p ?? 0) - (metas.get(from)?.p ?? 0);
    const moved = key.startsWith('r:')
      ? Object.fromEntries(Object.entries(state).map(([service, at]) => [service, (at as number) + shift]))
      : key.startsWith('s:')
        ? { ...state, from: (state['from'] as number) + shift }
        : state;
    places[home(() => key.slice(2))]?.push([key, moved]);
  }
  return places;
}
