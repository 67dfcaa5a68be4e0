import { withResult } from './flapping.ts';
import { aliveService, type HostDefinition, type ServiceDefinition } from './host-definition.ts';
import { type HostState, type LateService, none, type Status } from './host-state.ts';

/** When a turn happens. Deadlines are measured in partition time; the wall clock is only told. */
export interface Moment {
  readonly partition: number;
  /** Epoch ms. */
  readonly now: number;
  /** Partition ms: nobody could have been heard before, so no deadline counts from earlier. */
  readonly resumed: number;
}

export interface TurnSettings {
  /** What a report may take through a feed that stalls for less than anybody notices. */
  readonly slackMs: number;
  /** What a host that is new may take until its first report, if its interval and tolerance are shorter. */
  readonly firstReportMs: number;
  /** Reports in time until a late service is back. */
  readonly recoverAfter: number;
  readonly recoverAfterFlapping: number;
}

/** Partition ms of the last report of each service. */
export type Reports = Readonly<Record<string, number>>;

export type TransitionKind = 'state' | 'down' | 'up' | 'late' | 'back' | 'fired' | 'cleared';

/** Something that happened to a host, once. `state` is every change of status, the others are what somebody should hear. */
export interface Transition {
  readonly kind: TransitionKind;
  readonly seq: number;
  /** Epoch ms. */
  readonly at: number;
  readonly status: Status;
  readonly was: Status;
  readonly reason: string;
  readonly incident: string;
  /** When the incident began, epoch ms. */
  readonly began: number;
  /** Of the service, the trigger or the host: since when it was as it no longer is, or is as it is now. */
  readonly since: number;
  readonly service?: string | undefined;
  readonly trigger?: string | undefined;
  readonly silentMs?: number | undefined;
  readonly allowedMs?: number | undefined;
  /** Services that are late with the host and not told by themselves. */
  readonly attached?: readonly string[] | undefined;
}

/**
 * One thing that happens to one host: a report, a deadline, a new definition, a maintenance. `finish` recomputes the status from all
 * that is known, by precedence and never by who wrote last:
 *
 *     maintenance 4  >  uptime late 3  >  nothing ever, all others late, a service late, a trigger 5  >  nothing yet 0  >  1
 *
 * Out of *ok* leads a service that is late or a trigger that fires; that opens an incident. While the host itself is down (3, or 5
 * because it never reported or because all but `uptime` are late) the services that are late with it are attached to it. Back from that, each service
 * has its whole time again. The incident ends when nothing is wrong any more.
 */
export class HostTurn {
  readonly #definition: HostDefinition;
  readonly #reports: Reports;
  readonly #before: HostState;
  readonly #moment: Moment;
  readonly #settings: TurnSettings;
  readonly #late: Map<string, LateService>;
  readonly #fired: Map<string, number>;
  readonly #transitions: Transition[] = [];
  #maintainedUntil: number;
  #from: number;
  #seq: number;
  #results: string;
  #flapping: boolean;
  #removed = false;

  constructor(definition: HostDefinition, reports: Reports, state: HostState, moment: Moment, settings: TurnSettings) {
    this.#definition = definition;
    this.#reports = reports;
    this.#before = state;
    this.#moment = moment;
    this.#settings = settings;
    this.#late = new Map(Object.entries(state.late));
    this.#fired = new Map(Object.entries(state.fired));
    this.#maintainedUntil = state.maintainedUntil;
    this.#from = state.from;
    this.#seq = state.seq;
    this.#results = state.results;
    this.#flapping = state.flapping;
  }

  /** A report of a service came; `reports` has it already. */
  reported(service: string): void {
    if (service === aliveService || !this.#definition.services.some(({ name }) => name === aliveService)) this.#result(true);
    const late = this.#late.get(service);
    if (late === undefined) return;
    const good = late.good + 1;
    const needed = this.#flapping ? this.#settings.recoverAfterFlapping : this.#settings.recoverAfter;
    if (good < needed) this.#late.set(service, { ...late, good });
    else this.#late.delete(service);
  }

  fire(trigger: string): void {
    if (!this.#fired.has(trigger)) this.#fired.set(trigger, this.#moment.now);
  }

  clear(trigger: string): void {
    this.#fired.delete(trigger);
  }

  maintain(until: number): void {
    this.#maintainedUntil = until;
  }

  /** It is no longer expected: what is open ends with it. */
  remove(): void {
    this.#removed = true;
    this.#late.clear();
    this.#fired.clear();
  }

  finish(): { readonly state: HostState; readonly transitions: readonly Transition[] } {
    const before = this.#before;
    this.#forgetWhatIsNoLongerExpected();
    const inMaintenance = !this.#removed && this.#inMaintenance();
    if (!inMaintenance && before.status === 4) this.#from = Math.max(this.#from, this.#moment.partition);
    if (!inMaintenance && !this.#removed) this.#findLate();
    const wasDown = before.told;
    let down = this.#downReason();
    if (wasDown && down === null && !inMaintenance) this.#beginAnew();
    const [status, reason] = this.#status(inMaintenance, down);
    const incident = this.#incident(status);
    if (status !== before.status) this.#tell('state', { status, reason, incident, since: before.since });
    let told = before.told;
    if (told && down === null && !inMaintenance) {
      this.#tell('up', { status, reason: this.#removed ? 'removed' : reason, incident, since: before.began });
      told = false;
    }
    if (inMaintenance) down = null;
    this.#tellEnded(status, reason, incident);
    if (down !== null && !told) {
      this.#tellDown(status, down, incident);
      told = true;
    } else if (down === null && !inMaintenance) this.#tellLate(status, reason, incident);
    this.#tellFired(status, reason, incident, inMaintenance);
    const open = status === 3 || status === 5 || (status === 4 && before.incident !== null);
    const state: HostState = {
      status,
      since: status === before.status ? before.since : this.#moment.now,
      reason,
      incident: open ? incident.id : null,
      began: open ? incident.began : 0,
      told,
      seq: this.#seq,
      from: this.#from,
      born: this.#before.born,
      late: this.#late.size === 0 ? none : Object.fromEntries(this.#late),
      fired: this.#fired.size === 0 ? none : Object.fromEntries(this.#fired),
      results: this.#results,
      flapping: this.#flapping,
      maintainedUntil: this.#maintainedUntil > this.#moment.now ? this.#maintainedUntil : 0,
    };
    return { state, transitions: this.#transitions };
  }

  /** Partition ms at which something may change without anybody saying anything; null: never. */
  nextLook(state: HostState): number | null {
    let next = Number.POSITIVE_INFINITY;
    for (const service of this.#definition.services) {
      const known = state.late[service.name];
      if ((known?.down === true && known.good === 0) || state.status === 4) continue;
      const { lateAt, downAt } = this.#deadline(service, state.from);
      next = Math.min(next, known === undefined || known.good > 0 ? lateAt : downAt);
    }
    for (const wall of this.#wallBorders(state)) next = Math.min(next, this.#moment.partition + wall - this.#moment.now);
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  #wallBorders(state: HostState): number[] {
    const { now } = this.#moment;
    const borders = this.#definition.maintenance.flatMap(({ from, until }) => [from, until]);
    if (state.maintainedUntil > 0) borders.push(state.maintainedUntil);
    return borders.filter((at) => at > now);
  }

  #forgetWhatIsNoLongerExpected(): void {
    const { services, triggers } = this.#definition;
    for (const name of this.#late.keys()) if (!services.some((each) => each.name === name)) this.#late.delete(name);
    for (const id of this.#fired.keys()) if (!triggers.some((each) => each.id === id)) this.#fired.delete(id);
  }

  #inMaintenance(): boolean {
    const { now } = this.#moment;
    return this.#maintainedUntil > now || this.#definition.maintenance.some(({ from, until }) => from <= now && now < until);
  }

  #deadline(service: ServiceDefinition, from: number): { lateAt: number; downAt: number; last: number | null } {
    const last = this.#reports[service.name] ?? null;
    const base = Math.max(last ?? from, from, this.#moment.resumed);
    const allowed = service.intervalMs + service.toleranceMs + this.#settings.slackMs;
    const lateAt = base + (last === null ? Math.max(allowed, this.#settings.firstReportMs) : allowed);
    return { lateAt, downAt: lateAt + (service.downAfter - 1) * service.intervalMs, last };
  }

  #findLate(): void {
    const { partition, now } = this.#moment;
    for (const service of this.#definition.services) {
      const known = this.#late.get(service.name);
      if (known?.down === true && known.good === 0) continue;
      const { lateAt, downAt, last } = this.#deadline(service, this.#from);
      if (partition <= lateAt) continue;
      const down = partition > downAt;
      if (known === undefined) {
        this.#late.set(service.name, { since: now, told: false, never: last === null, down, good: 0 });
        if (service.name === aliveService) this.#result(false);
      } else if (known.down !== down || known.good !== 0)
        this.#late.set(service.name, { ...known, down: known.down || down, good: 0 });
    }
  }

  #result(good: boolean): void {
    const { results, flapping } = withResult({ results: this.#results, flapping: this.#flapping }, good);
    this.#results = results;
    this.#flapping = flapping;
  }

  /** Why the host as a whole counts as down. */
  #downReason(): string | null {
    if (this.#late.size === 0) return null;
    const { services } = this.#definition;
    if (!services.some(({ name }) => Object.hasOwn(this.#reports, name))) return 'never_reported';
    const alive = this.#late.get(aliveService);
    if (alive?.down === true && !alive.never) return 'uptime_late';
    const others = services.filter(({ name }) => name !== aliveService);
    const isHere = alive === undefined && Object.hasOwn(this.#reports, aliveService);
    return isHere && others.length >= 2 && others.every(({ name }) => this.#late.has(name)) ? 'all_services_late' : null;
  }

  /** What is late only because the host was away has its whole time again. */
  #beginAnew(): void {
    for (const [name, late] of this.#late) if (!late.told) this.#late.delete(name);
    this.#from = Math.max(this.#from, this.#moment.partition);
  }

  #status(inMaintenance: boolean, down: string | null): readonly [Status, string] {
    if (inMaintenance) return [4, 'maintenance'];
    if (this.#removed) return [1, 'removed'];
    if (down !== null) return [down === 'uptime_late' ? 3 : 5, down];
    const [name] = [...this.#late.keys()].sort();
    if (name !== undefined) return [5, this.#lateReason(name)];
    const [trigger] = [...this.#fired.keys()].sort();
    if (trigger !== undefined) return [5, `trigger:${trigger}`];
    const heard = this.#definition.services.some((service) => Object.hasOwn(this.#reports, service.name));
    return heard ? [1, 'reporting'] : [0, 'nothing_yet'];
  }

  #lateReason(name: string): string {
    if (this.#late.get(name)?.never === true) return `never_reported:${name}`;
    const others = this.#definition.services.filter((service) => service.name !== aliveService);
    const isHere = !this.#late.has(aliveService) && Object.hasOwn(this.#reports, aliveService);
    return isHere && others.every((service) => this.#late.has(service.name)) ? 'all_services_late' : `late:${name}`;
  }

  #incident(status: Status): Incident {
    const { incident, began, since } = this.#before;
    if (incident !== null) return { id: incident, began };
    if (status === 3 || status === 5)
      return { id: `${this.#definition.host}/${this.#before.born}/${this.#seq + 1}`, began: this.#moment.now };
    return { id: '', began: since };
  }

  #tell(
    kind: TransitionKind,
    facts: Omit<Partial<Transition>, 'incident'> & { status: Status; reason: string; incident: Incident; since: number },
  ): void {
    this.#seq += 1;
    const { status, reason, since, service, trigger, silentMs, allowedMs, attached } = facts;
    const { id: incident, began } = facts.incident;
    const [at, was, seq] = [this.#moment.now, this.#before.status, this.#seq];
    // All of one shape: a hundred thousand are made at once, and where members are spread or left out each costs ten times as much.
    this.#transitions.push({
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
    });
  }

  #tellDown(status: Status, reason: string, incident: Incident): void {
    const names = [...this.#late.keys()].sort();
    const service = this.#late.has(aliveService) ? aliveService : (names[0] ?? '');
    const attached = names.filter((name) => name !== service);
    this.#tell('down', { status, reason, incident, since: this.#moment.now, service, attached, ...this.#silence(service) });
  }

  #tellLate(status: Status, reason: string, incident: Incident): void {
    for (const [service, late] of [...this.#late].sort(byName)) {
      if (late.told) continue;
      this.#late.set(service, { ...late, told: true });
      this.#tell('late', { status, reason, incident, since: late.since, service, ...this.#silence(service) });
    }
  }

  /** Services that are back and triggers that cleared, of those that were told. */
  #tellEnded(status: Status, given: string, incident: Incident): void {
    const reason = this.#removed ? 'removed' : given;
    for (const [service, { told, since }] of Object.entries(this.#before.late).sort(byName))
      if (told && !this.#late.has(service)) this.#tell('back', { status, reason, incident, since, service });
    for (const [trigger, since] of Object.entries(this.#before.fired).sort(byName))
      if (since > 0 && !this.#fired.has(trigger)) this.#tell('cleared', { status, reason, incident, since, trigger });
  }

  /** One that fired in a maintenance is kept as negative: nobody heard of it. Told when that is over and it still stands. */
  #tellFired(status: Status, reason: string, incident: Incident, inMaintenance: boolean): void {
    for (const [trigger, since] of [...this.#fired].sort(byName)) {
      const isNew = (this.#before.fired[trigger] ?? 0) <= 0;
      if (!isNew) continue;
      const at = Math.abs(since);
      this.#fired.set(trigger, inMaintenance ? -at : at);
      if (!inMaintenance) this.#tell('fired', { status, reason, incident, since: at, trigger });
    }
  }

  #silence(name: string): { silentMs: number; allowedMs: number } | undefined {
    const service = this.#definition.services.find((other) => other.name === name);
    if (service === undefined) return undefined;
    const last = this.#reports[name] ?? this.#from;
    return { silentMs: this.#moment.partition - last, allowedMs: service.intervalMs + service.toleranceMs };
  }
}

interface Incident {
  readonly id: string;
  readonly began: number;
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
