import { z } from 'zod';
import { type Item, isEvent } from '../../model/item.ts';
import { isObject, type JsonObject } from '../../model/json.ts';
import type { Sample } from '../../model/sample.ts';
import type { Drop, Output, States, TableResult, TableTransformer, Time } from '../transformers/transformer.ts';
import { announcement, type Fact, feedLate, isAnnounced, type Storm, stormAnnouncement } from './announcement.ts';
import { DeskRows, type HostRow, never } from './desk-rows.ts';
import { itemSources } from './items.ts';
import { factsIn } from './lots.ts';
import { matches, type Silence, silenceOf } from './silences.ts';
import { grouped, judgeStorms } from './storms.ts';

/**
 * Who is told what of what happened to the hosts. One partition sees all of them, so that many at once become one.
 *
 * A host that goes down is *held* for a while: whoever is back by then is not told of. At the end of the hold
 *
 * | it is | when | told |
 * |-------|------|------|
 * | *attached* | all of its parents are down | with them; it is held anew when one of them is back |
 * | *silenced* | a silence matches | nobody; it is held anew when the silence is over |
 * | *stormed* | many went down together | one `host.down` for all, and one `host.up` per lot that comes back |
 * | *told* | else | `host.down`, reminders, and `host.up` |
 *
 * Services and triggers are told at once, or not at all where a silence matches; their end is told to who was told of them. What
 * comes a second time, after the owner of a host's partition changed, has a number that was seen.
 */
export interface AnnounceSettings {
  readonly holdMs: number;
  /** So many hosts down together are a storm, */
  readonly stormHosts: number;
  /** and at least so many hundredths of their group. */
  readonly stormPercent: number;
  readonly remindMs: number;
}

export const defaultAnnounce: AnnounceSettings = { holdMs: 30_000, stormHosts: 10, stormPercent: 20, remindMs: 4 * 3_600_000 };

export const announce: TableTransformer<AnnounceSettings, JsonObject> = {
  name: 'announce',
  summary: 'Tells of hosts that are down and up again: held, grouped, attached, silenced, reminded.',
  takes: ['events', 'samples'],
  gives: () => 'events',
  scope: 'partition',
  Parameters: z.custom<AnnounceSettings>(isObject),
  State: z.custom<JsonObject>(isObject),
  examples: [],
  partitionKeys: () => [],
  needsTime: () => true,
  forgets: () => true,
  step: (settings, rows, item, time) => orForget(rows, () => new Desk(settings, rows, time).take(item)),
  flush: (settings, rows, time) => orForget(rows, () => new Desk(settings, rows, time).pass()),
  relocate: (_, rows) => [rows.map(({ key, state }) => [key, state] as const)],
};

function orForget<T>(rows: States<JsonObject>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    DeskRows.forget(rows);
    throw error;
  }
}

class Desk {
  readonly #settings: AnnounceSettings;
  readonly #rows: DeskRows;
  readonly #time: Time;
  readonly #out: Output[] = [];
  readonly #dropped = new Map<string, number>();

  constructor(settings: AnnounceSettings, rows: States<JsonObject>, time: Time) {
    this.#settings = settings;
    this.#rows = new DeskRows(rows);
    this.#time = time;
  }

  take(item: Item): TableResult<JsonObject> {
    if (isEvent(item) && item.raw['kind'] === 'feed') this.#hearOfFeed(Number(item.raw['since']), Number(item.raw['at']));
    else if (isEvent(item)) for (const fact of factsIn(item)) this.#hear(fact);
    else this.#obey(item);
    return this.#result();
  }

  /** Partitions tell of one standstill within seconds of each other. */
  #hearOfFeed(since: number, at: number): void {
    const before = this.#rows.get('feed');
    if (before !== undefined && Math.abs(since - Number(before['since'])) < sameFeedMs) {
      this.#drop('feed_told');
      return;
    }
    this.#rows.put('feed', { since });
    this.#out.push({ item: feedLate(since, at), basis: ['feed', `${since}`] });
  }

  #hear(fact: Fact): void {
    if (fact.kind === 'state') return;
    if (!this.#isNew(fact)) this.#drop('repeated');
    else if (fact.kind === 'down') this.#hold(fact);
    else if (fact.kind === 'up') this.#up(fact);
    else this.#tellPart(fact);
  }

  /**
   * Its outbox may bring it again long after its id is forgotten. Of a host that is down its row says what was heard last, unless something came
   * since: a storm is half as many rows so.
   */
  #isNew({ host, born, seq, kind }: Fact): boolean {
    const last = this.#rows.get(`n:${host}`) as Pick<Fact, 'born' | 'seq'> | undefined;
    for (const before of [last, this.#rows.host(host)?.fact])
      if (before !== undefined && (born < before.born || (born === before.born && seq <= before.seq))) return false;
    if (kind !== 'down') this.#rows.put(`n:${host}`, { born, seq });
    return true;
  }

  #hold(fact: Fact): void {
    this.#rows.putHeld(fact.host, { fact }, this.#time.partition + this.#settings.holdMs);
    if (this.#settings.holdMs === 0) this.#judgeHeld();
  }

  #up(fact: Fact): void {
    const { host } = fact;
    const row = this.#rows.host(host);
    if (row === undefined) {
      this.#drop('not_down');
      return;
    }
    switch (row.phase) {
      case 'told':
        this.#emit(announcement({ ...fact, incident: row.fact.incident }), ['up', fact]);
        this.#rows.putHost(host, null);
        break;
      case 'stormed':
        this.#rows.putHost(host, { ...row, phase: 'rising', due: this.#time.partition + this.#settings.holdMs });
        if (this.#settings.holdMs === 0) this.#tellRisen();
        break;
      default:
        this.#rows.putHost(host, null);
        this.#drop(row.phase === 'held' ? 'back_in_time' : row.phase);
    }
    this.#releaseChildren(host);
  }

  /** Who was attached to it is on its own again. */
  #releaseChildren(parent: string): void {
    const attached = this.#rows.get(`a:${parent}`);
    if (attached === undefined) return;
    this.#rows.put(`a:${parent}`, null);
    for (const host of attached['hosts'] as readonly string[]) {
      const row = this.#rows.host(host);
      if (row?.phase !== 'attached') continue;
      this.#rows.putHeld(host, row, this.#time.partition + this.#settings.holdMs);
    }
  }

  #attach(host: string, row: HostRow): void {
    this.#rows.putHost(host, { ...row, phase: 'attached', due: never });
    for (const parent of row.fact.parents) {
      const hosts = (this.#rows.get(`a:${parent}`)?.['hosts'] ?? []) as readonly string[];
      this.#rows.put(`a:${parent}`, { hosts: [...hosts.filter((other) => other !== host), host] });
    }
  }

  #tellPart(fact: Fact): void {
    const { host, groups, kind } = fact;
    const key = `t:${host}\n${fact.service === undefined ? `trigger ${fact.trigger}` : fact.service}`;
    if (kind === 'late' || kind === 'fired') {
      const silenced = this.#silenceFor(host, groups) !== null;
      this.#rows.put(key, { silenced });
      if (silenced) {
        this.#drop('silenced');
        return;
      }
    } else {
      const told = this.#rows.get(key);
      this.#rows.put(key, null);
      if (told === undefined || told['silenced'] === true) {
        this.#drop('not_told');
        return;
      }
    }
    if (isAnnounced(kind)) this.#emit(announcement(fact), [kind, fact]);
  }

  #obey({ source, resource_id, resource_metadata }: Sample): void {
    if (source === itemSources.fleet) this.#rows.put('f', resource_metadata);
    else if (source === itemSources.silence) {
      const silence = silenceOf(resource_metadata);
      const others = this.#rows.silences().filter(({ id }) => id !== resource_id);
      this.#rows.putSilences(silence.until > this.#time.now ? [...others, silence] : others);
      this.#rows.lookAgain(this.#time.partition);
    } else this.#drop('not_of_hosts');
  }

  /** What time has brought. */
  pass(): TableResult<JsonObject> {
    const { partition } = this.#time;
    if (partition < this.#rows.nextLook) return this.#result();
    this.#rows.lookNoMore();
    this.#endSilences();
    this.#judgeHeld();
    this.#tellRisen();
    this.#remind();
    for (const [, row] of this.#rows.allHosts()) this.#rows.lookAgain(row.due);
    for (const silence of this.#rows.silences())
      this.#rows.lookAgain(partition + Math.max(1_000, silence.until - this.#time.now));
    for (const [, storm] of this.#rows.storms()) this.#rows.lookAgain(storm.due);
    return this.#result();
  }

  #endSilences(): void {
    const left = this.#rows.silences().filter(({ until }) => until > this.#time.now);
    if (left.length < this.#rows.silences().length) this.#rows.putSilences(left);
    for (const [host, row] of this.#rows.hosts('silenced'))
      if (this.#silenceFor(host, row.fact.groups) === null) this.#rows.putHeld(host, row, this.#time.partition);
  }

  #judgeHeld(): void {
    const held = this.#rows.hosts('held');
    if (!held.some(([, { due }]) => due <= this.#time.partition)) return;
    const alarming: (readonly [string, HostRow])[] = [];
    for (const [host, row] of held) {
      const { parents, groups } = row.fact;
      if (parents.length > 0 && parents.every((parent) => this.#isDown(parent))) this.#attach(host, row);
      else if (this.#silenceFor(host, groups) !== null) this.#rows.putHost(host, { ...row, phase: 'silenced', due: never });
      else alarming.push([host, row]);
    }
    const { storms, single } = judgeStorms(
      alarming.map(([host, { fact }]) => [host, fact.groups[0] ?? ''] as const),
      this.#fleet(),
      this.#settings,
    );
    const rows = new Map(alarming);
    for (const { group, hosts } of storms) this.#tellStorm(group, hosts, rows);
    for (const host of single) {
      const row = rows.get(host) as HostRow;
      if (row.due > this.#time.partition) continue;
      const attached = held.filter(([, { fact }]) => fact.parents.includes(host)).length;
      this.#emit(announcement(row.fact, attached === 0 ? {} : { attached_hosts: attached }), ['down', row.fact]);
      this.#rows.putHost(host, { ...row, phase: 'told', due: this.#time.partition + this.#settings.remindMs });
    }
  }

  #tellStorm(group: string, hosts: readonly string[], rows: ReadonlyMap<string, HostRow>): void {
    const first = rows.get(hosts[0] as string) as HostRow;
    const id = `storm/${first.fact.incident}`;
    let [since, covers] = [this.#time.now, 0];
    for (const host of hosts) {
      const row = rows.get(host) as HostRow;
      since = Math.min(since, row.fact.since);
      if (row.apart === true) this.#rows.putHost(host, { ...row, phase: 'stormed', due: never, storm: id });
      else covers = Math.max(covers, row.due);
    }
    this.#rows.putStorm(id, { group, since, covers, due: this.#time.partition + this.#settings.remindMs });
    const storm: Storm = { id, group, at: this.#time.now, since, hosts, left: hosts.length };
    this.#out.push({ item: stormAnnouncement('down', storm), basis: ['storm', id] });
  }

  #tellRisen(): void {
    const rising = this.#rows.hosts('rising');
    if (!rising.some(([, { due }]) => due <= this.#time.partition)) return;
    const byStorm = grouped(rising, ([, { storm }]) => storm ?? '');
    for (const [id, lot] of byStorm) {
      const hosts = lot.map(([host]) => host).sort();
      for (const host of hosts) this.#rows.putHost(host, null);
      let left = 0;
      for (const [, { storm }] of this.#rows.allHosts()) if (storm === id) left += 1;
      const { group = '', since = 0 } = this.#rows.storm(id) ?? {};
      const storm: Storm = { id, group, at: this.#time.now, since, hosts, left };
      // The same storm comes back in lots; the lot's first host had its own number.
      this.#out.push({
        item: stormAnnouncement('up', storm),
        basis: ['risen', id, `${lot[0]?.[1].fact.seq}`, hosts[0] as string],
      });
      if (left === 0) this.#rows.putStorm(id, null);
    }
  }

  #remind(): void {
    const { partition, now } = this.#time;
    for (const [host, row] of this.#rows.hosts('told')) {
      if (row.due > partition) continue;
      const due = partition + this.#settings.remindMs;
      const more = { phase: 'reminder', lasting_seconds: Math.round((now - row.fact.at) / 1_000) };
      this.#out.push({ item: announcement(row.fact, more), basis: ['reminder', row.fact.incident, `${partition}`] });
      this.#rows.putHost(host, { ...row, due });
    }
    for (const [id, row] of this.#rows.storms()) {
      if (row.due > partition) continue;
      const hosts = [...this.#rows.allHosts()].flatMap(([host, { storm }]) => (storm === id ? [host] : [])).sort();
      const storm: Storm = { id, group: row.group, at: now, since: row.since, hosts, left: hosts.length };
      this.#out.push({ item: stormAnnouncement('reminder', storm), basis: ['reminder', id, `${partition}`] });
      this.#rows.putStorm(id, { ...row, due: partition + this.#settings.remindMs });
    }
  }

  #isDown(host: string): boolean {
    const row = this.#rows.host(host);
    return row !== undefined && row.phase !== 'rising';
  }

  #silenceFor(host: string, groups: readonly string[]): Silence | null {
    for (const silence of this.#rows.silences())
      if (silence.from <= this.#time.now && silence.until > this.#time.now && matches(silence, host, groups)) return silence;
    return null;
  }

  #fleet(): { readonly total: number; readonly groups: Readonly<Record<string, number>> } {
    const row = this.#rows.get('f');
    return { total: Number(row?.['total'] ?? 0), groups: (row?.['groups'] ?? {}) as Readonly<Record<string, number>> };
  }

  #emit(item: ReturnType<typeof announcement>, [what, fact]: readonly [string, Fact]): void {
    this.#out.push({ item, basis: [what, fact.host, `${fact.born}`, `${fact.seq}`] });
  }

  #drop(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }

  #result(): TableResult<JsonObject> {
    const dropped: Drop[] = Array.from(this.#dropped, ([reason, count]) => ({ reason, count }));
    return { writes: this.#rows.changes, out: this.#out, ...(dropped.length === 0 ? {} : { dropped }) };
  }
}

const sameFeedMs = 60_000;
