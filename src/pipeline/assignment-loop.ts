import type { Group, LeaseToken, Member, Plan, Unit } from '../coordination/group.ts';
import type { Clock } from '../lib/clock.ts';
import { linkedAbort } from '../lib/linked-abort.ts';
import { isGivenName } from '../model/agent-name.ts';
import { classify } from '../model/faults.ts';
import { parsePartitionName } from '../topics/topic.ts';
import { foreignSinks } from './able-members.ts';
import { AbsentOwners } from './absent-owners.ts';
import { heldUnits, planAroundHeld } from './held-units.ts';
import { Membership, type MembershipTiming } from './membership.ts';
import type { StopSignals } from './worker.ts';

/**
 * Which partitions this agent runs. Level-triggered: every round compares what is with what the plan says, so a lost wake-up costs
 * one round and nothing else.
 *
 *     heartbeat → members → plan (any member may commit it, by compare-and-set) → renew → hand over → take
 *
 * A unit goes: planned for us → acquired → running → (planned for another) draining → released, or → fenced/lost → quiet.
 * Being fenced is ordinary: the unit is taken again when the plan still says so.
 *
 * Between two rounds nobody looks, unless something is on its way: then the plan is glanced at, so that a unit is let go, and taken, soon
 * after it was planned. Who leaves for good says so first (weight 0) and goes on until everybody has seen it; then the plan gives away
 * what it runs, and others take each unit while it still drains the next.
 */
export interface AssignmentDeps extends MembershipTiming {
  readonly group: Group;
  readonly member: () => Member;
  /** Those of the sinks that we have; they change when the configuration is loaded anew. */
  readonly units: () => readonly Unit[];
  readonly clock: Clock;
  readonly renewMs: number;
  /** An agent whose name its operator gave keeps its units for so long after it has gone: it is being restarted, and comes back. */
  readonly rejoinGraceMs: number;
  /** How long a worker may drain before its unit goes to another without that. */
  readonly drainMs: number;
  readonly run: (unit: Unit, token: LeaseToken, stop: StopSignals) => Promise<void>;
  readonly report: (event: AssignmentEvent) => void;
}

export type AssignmentEvent =
  | { readonly kind: 'acquired' | 'released' | 'lost'; readonly unit: Unit; readonly epoch: number }
  | { readonly kind: 'failed'; readonly unit: Unit; readonly error: unknown; readonly retryInMs: number }
  | { readonly kind: 'planned'; readonly version: number; readonly members: number }
  | { readonly kind: 'unreachable'; readonly error: unknown };

interface Running {
  readonly token: LeaseToken;
  readonly soft: AbortController;
  readonly hard: AbortController;
  readonly ended: Promise<void>;
  /** Since when it is to be handed over; null while it is ours. */
  leavingSince: number | null;
}

/** How soon a new plan is seen while members come and go; more rarely where the plan is large. */
const glanceMs = 200;
const glanceMsPerUnit = 0.1;
/** How soon a lease is taken that is given back to us: so often for the first while, and never so often that many units are asked for all the time. */
const eagerMs = 50;
const eagerMsPerUnit = 2;
const eagerForMs = 5_000;

/** A worker that ran for so long was a good one: its next failure begins with a short pause again. */
const steadyAfterMs = 60_000;

export class AssignmentLoop {
  readonly #deps: AssignmentDeps;
  readonly #running = new Map<Unit, Running>();
  readonly #notBefore = new Map<Unit, number>();
  readonly #failures = new Map<Unit, number>();
  #renewedAt = Number.NEGATIVE_INFINITY;
  readonly #absent: AbsentOwners;
  /** Not taken up again until they are resumed. */
  readonly #halted = new Set<Unit>();
  /** Of their sinks we have another configuration than is run. */
  #foreign: ReadonlySet<Unit> = new Set();
  #wake = new AbortController();
  readonly #membership: Membership;
  /** How many are planned for us and still another's, and since when there are any. */
  #awaiting = 0;
  #awaitingSince = 0;
  #leaving = false;
  #fatal: unknown = null;

  constructor(deps: AssignmentDeps) {
    this.#deps = deps;
    this.#absent = new AbsentOwners(deps.clock, deps.rejoinGraceMs);
    this.#membership = new Membership(deps, deps.clock.monotonic());
  }

  get owned(): readonly LeaseToken[] {
    return [...this.#running.values()].map((running) => running.token);
  }

  /** Runs until `soft`; then drains and releases everything. Throws when the group met what no waiting mends. */
  async run(stop: StopSignals): Promise<void> {
    stop.hard.addEventListener('abort', () => this.#abortAll('hard'), { once: true });
    while (!stop.soft.aborted && this.#fatal === null) {
      await this.#round();
      await this.#pause(stop.soft);
    }
    if (this.#mayOffer(stop)) await this.#offer(stop.hard).catch((error: unknown) => this.#unreachable(error));
    // What the last round took was not running yet when `hard` fired.
    this.#abortAll(stop.hard.aborted ? 'hard' : 'soft');
    // The leases must stay ours while the workers drain.
    const drained = Promise.all([...this.#running.values()].map((running) => running.ended));
    await this.#renewUntil(drained);
    await this.#deps.group.leave(this.#deps.member()).catch((error: unknown) => this.#unreachable(error));
    if (this.#fatal !== null) throw this.#fatal;
  }

  /** Ends once no worker of ours runs any of them: drained and released, or cut off after the time for that. They stay ours in the plan. */
  async halt(units: readonly Unit[]): Promise<void> {
    for (const unit of units) this.#halted.add(unit);
    const ending: Promise<void>[] = [];
    for (const unit of units) {
      const running = this.#running.get(unit);
      if (running === undefined) continue;
      this.#letGo(running, 'its sink is being changed');
      ending.push(running.ended);
    }
    await Promise.all(ending);
  }

  /** Taken up again at once, where they are still among our units and planned for us. */
  resume(units: readonly Unit[]): void {
    for (const unit of units) {
      this.#halted.delete(unit);
      this.#failures.delete(unit);
      this.#notBefore.delete(unit);
    }
    this.#wake.abort(new Error('there is something to take up'));
  }

  async #pause(soft: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const lookInMs = this.#membership.nextLookInMs(clock.monotonic());
    const end = clock.monotonic() + lookInMs;
    const nap = linkedAbort(soft, this.#wake.signal);
    for (let left = lookInMs; left > 0 && !nap.signal.aborted; left = end - clock.monotonic()) {
      const restless = this.#restless();
      await clock.sleep(restless ? Math.min(left, this.#glanceMs()) : left, nap.signal).catch(() => undefined);
      if (restless && !nap.signal.aborted) await this.#tried(async () => this.#follow(await this.#deps.group.readPlan()));
    }
    nap.release();
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }

  /** From when we see members come or go until everybody has seen it and a plan has been made of it; and while we wait for a unit. */
  #restless(): boolean {
    return this.#awaiting > 0 || this.#membership.hasChanged(this.#deps.clock.monotonic());
  }

  #glanceMs(): number {
    const planMs = glanceMsPerUnit * this.#deps.units().length;
    const isEager = this.#awaiting > 0 && this.#deps.clock.monotonic() - this.#awaitingSince < eagerForMs;
    return isEager ? Math.max(eagerMs, planMs, eagerMsPerUnit * this.#awaiting) : Math.max(glanceMs, planMs);
  }

  /** Whoever is expected back keeps its units, and nothing moves. */
  #mayOffer({ hard }: StopSignals): boolean {
    if (hard.aborted || this.#fatal !== null || this.#running.size === 0) return false;
    return !isGivenName(this.#deps.member().agent) || this.#deps.rejoinGraceMs === 0;
  }

  async #offer(hard: AbortSignal): Promise<void> {
    const { group, clock, heartbeatMs, leaseTtlMs, drainMs } = this.#deps;
    this.#leaving = true;
    await group.heartbeat(this.#member(), leaseTtlMs);
    const { agent } = this.#member();
    const mayTake = async () => (await group.members()).some((member) => member.agent !== agent && member.weight > 0);
    // A round of theirs, and what they did in it. Often all of them leave at once: then nobody waits.
    const end = clock.monotonic() + Math.min(1.5 * heartbeatMs, drainMs / 4);
    while (clock.monotonic() < end && !hard.aborted) {
      if (!(await mayTake())) return;
      await clock.sleep(Math.min(glanceMs, end - clock.monotonic()), hard).catch(() => undefined);
    }
    await this.#renew();
    if (!hard.aborted && (await mayTake())) await this.#follow(await this.#plan());
  }

  #member(): Member {
    const member = this.#deps.member();
    return this.#leaving ? { ...member, weight: 0 } : member;
  }

  #letGo(running: Running, why: string): void {
    running.leavingSince ??= this.#deps.clock.monotonic();
    running.soft.abort(new Error(why));
  }

  async #round(): Promise<void> {
    await this.#tried(async () => {
      await this.#deps.group.heartbeat(this.#member(), this.#deps.leaseTtlMs);
      const plan = await this.#plan();
      await this.#renew();
      await this.#follow(plan);
    });
  }

  async #follow(plan: Plan): Promise<void> {
    const { agent } = this.#deps.member();
    const mine = new Set(this.#deps.units().filter((unit) => plan.owners[unit] === agent && !this.#halted.has(unit)));
    this.#handOver(mine);
    const taken = await Promise.all([...mine].map((unit) => this.#take(unit, plan.version)));
    const awaiting = taken.filter((kind) => kind === 'held').length;
    if (this.#awaiting === 0) this.#awaitingSince = this.#deps.clock.monotonic();
    this.#awaiting = awaiting;
  }

  async #tried(round: () => Promise<void>): Promise<void> {
    try {
      await round();
    } catch (error) {
      if (classify(error).class === 'fatal') this.#fatal = error;
      this.#membership.lostTouch(this.#deps.clock.monotonic());
      this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): void {
    this.#deps.report({ kind: 'unreachable', error });
  }

  async #plan(): Promise<Plan> {
    const now = this.#deps.clock.monotonic();
    const living = await this.#deps.group.living();
    this.#membership.saw(living, now);
    const members = living.map(({ member }) => member);
    const held = heldUnits(members);
    this.#foreign = this.#foreignUnits(members, held);
    const plan = await this.#deps.group.readPlan();
    const awaited = this.#absent.awaited(plan.owners, members);
    if (!this.#membership.isSettled(now) && !this.#leaving) return plan;
    const ours = planAroundHeld({ units: this.#deps.units(), members, previous: plan.owners, awaited }, held);
    const owners = { ...this.#unitsOfOthers(plan.owners, members, awaited), ...ours };
    if (sameOwners(owners, plan.owners)) return plan;
    if (!(await this.#deps.group.commitPlan(plan.version, owners))) return this.#deps.group.readPlan();
    this.#deps.report({ kind: 'planned', version: plan.version + 1, members: members.length });
    return { version: plan.version + 1, owners };
  }

  /** But what only we can write back is ours. */
  #foreignUnits(members: readonly Member[], held: Readonly<Record<Unit, string>>): ReadonlySet<Unit> {
    const { agent } = this.#deps.member();
    const sinks = foreignSinks(agent, members);
    if (sinks.size === 0) return sinks;
    const isForeign = (unit: Unit) => sinks.has(parsePartitionName(unit)?.sink ?? '') && held[unit] !== agent;
    return new Set(this.#deps.units().filter(isForeign));
  }

  /** A member may know a sink that we do not (its configuration is newer): leaving it out would take it from that member each round. */
  #unitsOfOthers(
    owners: Readonly<Record<Unit, string>>,
    members: readonly Member[],
    awaited: ReadonlySet<string>,
  ): Readonly<Record<Unit, string>> {
    const alive = new Set([...members.map((member) => member.agent), ...awaited]);
    const known = new Set(this.#deps.units());
    return Object.fromEntries(Object.entries(owners).filter(([unit, owner]) => !known.has(unit) && alive.has(owner)));
  }

  async #renew(): Promise<void> {
    const now = this.#deps.clock.monotonic();
    if (now - this.#renewedAt < this.#deps.renewMs || this.#running.size === 0) return;
    const lost = await this.#deps.group.renew(this.owned, this.#deps.leaseTtlMs);
    this.#renewedAt = now;
    for (const token of lost) {
      const running = this.#running.get(token.unit);
      if (running === undefined || running.token.epoch !== token.epoch) continue;
      this.#deps.report({ kind: 'lost', unit: token.unit, epoch: token.epoch });
      running.hard.abort(new Error('lease lost'));
      running.soft.abort(new Error('lease lost'));
    }
  }

  /** A target that keeps its outputs waiting must not keep the partition: what is not out in time, the next owner replays. */
  #handOver(mine: ReadonlySet<Unit>): void {
    const now = this.#deps.clock.monotonic();
    for (const [unit, running] of this.#running) {
      if (!mine.has(unit)) this.#letGo(running, 'planned for another');
      if (running.leavingSince !== null && now - running.leavingSince >= this.#deps.drainMs)
        running.hard.abort(new Error('the time to drain is over'));
    }
  }

  /** `held`: it is another's still. */
  async #take(unit: Unit, planVersion: number): Promise<'held' | 'done'> {
    if (this.#running.has(unit) || this.#deps.clock.monotonic() < (this.#notBefore.get(unit) ?? 0)) return 'done';
    if (this.#foreign.has(unit)) return 'done';
    const result = await this.#deps.group.acquire(this.#deps.member(), unit, planVersion, this.#deps.leaseTtlMs);
    if (result.kind !== 'acquired') return result.kind === 'held' ? 'held' : 'done';
    if (this.#halted.has(unit)) {
      await this.#deps.group.release(result.token);
      return 'done';
    }
    const soft = new AbortController();
    const hard = new AbortController();
    this.#deps.report({ kind: 'acquired', unit, epoch: result.token.epoch });
    const ended = this.#runOne(unit, result.token, { soft: soft.signal, hard: hard.signal });
    this.#running.set(unit, { token: result.token, soft, hard, ended, leavingSince: null });
    return 'done';
  }

  async #runOne(unit: Unit, token: LeaseToken, stop: StopSignals): Promise<void> {
    const startedAt = this.#deps.clock.monotonic();
    try {
      await this.#deps.run(unit, token, stop);
      this.#failures.delete(unit);
    } catch (error) {
      if (this.#deps.clock.monotonic() - startedAt >= steadyAfterMs) this.#failures.delete(unit);
      if (!stop.hard.aborted) this.#failed(unit, error);
    }
    this.#running.delete(unit);
    // Released on purpose, so that the next owner need not wait. A token that is no longer ours releases nothing.
    await this.#deps.group.release(token).catch((error: unknown) => this.#unreachable(error));
    this.#deps.report({ kind: 'released', unit, epoch: token.epoch });
  }

  /** A partition that cannot run must not stop its neighbours: it is tried again, ever later. */
  #failed(unit: Unit, error: unknown): void {
    const failures = (this.#failures.get(unit) ?? 0) + 1;
    this.#failures.set(unit, failures);
    const retryInMs = Math.min(500 * 2 ** (failures - 1), 60_000);
    this.#notBefore.set(unit, this.#deps.clock.monotonic() + retryInMs);
    this.#deps.report({ kind: 'failed', unit, error, retryInMs });
  }

  async #renewUntil(done: Promise<unknown>): Promise<void> {
    const over = new AbortController();
    void done.finally(() => over.abort(new Error('drained')));
    while (!over.signal.aborted) {
      await this.#deps.clock.sleep(this.#deps.renewMs, over.signal).catch(() => undefined);
      if (!over.signal.aborted) await this.#renew().catch((error: unknown) => this.#unreachable(error));
    }
  }

  #abortAll(which: 'soft' | 'hard'): void {
    for (const running of this.#running.values()) {
      if (which === 'hard') running.hard.abort(new Error('stopping'));
      running.soft.abort(new Error('stopping'));
    }
  }
}

function sameOwners(a: Readonly<Record<Unit, string>>, b: Readonly<Record<Unit, string>>): boolean {
  const units = Object.keys(a);
  return units.length === Object.keys(b).length && units.every((unit) => a[unit] === b[unit]);
}
