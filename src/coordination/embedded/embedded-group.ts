import type { Clock } from '../../lib/clock.ts';
import type { LmdbEnvironment, Table } from '../../lib/lmdb-environment.ts';
import { type Deadline, deadlineIn, leftMs, type MachineTime } from '../../lib/machine-time.ts';
import type {
  AcquireResult,
  AgentIdentity,
  Group,
  Layout,
  LeaseToken,
  LeaseView,
  LivingMember,
  Member,
  Plan,
  Unit,
} from '../group.ts';
import type { Leases } from './leases.ts';

interface MemberRecord {
  readonly member: Member;
  readonly until: Deadline;
}

const planKey = 'plan';
const noPlan: Plan = { version: 0, owners: {} };

/**
 * Coordination of the agents of one machine. Nothing is signed: whoever can open the directory (0700) is one of us, so a bad
 * member record cannot exist.
 */
export class EmbeddedGroup implements Group {
  readonly #environment: LmdbEnvironment;
  readonly #members: Table<string>;
  readonly #plans: Table<string>;
  readonly #layouts: Table<string>;
  readonly #leases: Leases;
  readonly #clock: Clock;
  readonly #time: MachineTime;

  constructor(environment: LmdbEnvironment, leases: Leases, clock: Clock, time: MachineTime) {
    this.#environment = environment;
    this.#members = environment.textTable('members');
    this.#plans = environment.textTable('plans');
    this.#layouts = environment.textTable('layouts');
    this.#leases = leases;
    this.#clock = clock;
    this.#time = time;
  }

  heartbeat(member: Member, ttlMs: number): Promise<void> {
    return this.#environment.transact(() => {
      const record: MemberRecord = { member, until: deadlineIn(this.#time, ttlMs) };
      void this.#members.put(member.agent, JSON.stringify(record));
      for (const other of this.#records())
        if (leftMs(this.#time, other.until) === 0) void this.#members.remove(other.member.agent);
    });
  }

  /** Only this boot's record: a late `leave` must not hide the process that took the name over. */
  leave(identity: AgentIdentity): Promise<void> {
    return this.#environment.transact(() => {
      const text = this.#members.get(identity.agent);
      if (text === undefined || (JSON.parse(text) as MemberRecord).member.boot !== identity.boot) return;
      void this.#members.remove(identity.agent);
    });
  }

  async members(): Promise<readonly Member[]> {
    return (await this.living()).map(({ member }) => member);
  }

  async living(): Promise<readonly LivingMember[]> {
    this.#environment.refresh();
    return this.#records()
      .map(({ member, until }) => ({ member, endsInMs: leftMs(this.#time, until) }))
      .filter(({ endsInMs }) => endsInMs > 0);
  }

  async readPlan(): Promise<Plan> {
    this.#environment.refresh();
    return this.#plan();
  }

  commitPlan(expectVersion: number, owners: Plan['owners']): Promise<boolean> {
    return this.#environment.transact(() => {
      if (this.#plan().version !== expectVersion) return false;
      const plan: Plan = { version: expectVersion + 1, owners };
      void this.#plans.put(planKey, JSON.stringify(plan));
      return true;
    });
  }

  acquire(identity: AgentIdentity, unit: Unit, planVersion: number, ttlMs: number): Promise<AcquireResult> {
    return this.#environment.transact(() => this.#leases.acquire(identity, unit, planVersion, ttlMs));
  }

  renew(tokens: readonly LeaseToken[], ttlMs: number): Promise<readonly LeaseToken[]> {
    return this.#environment.transact(() => tokens.filter((token) => !this.#leases.extend(token, ttlMs)));
  }

  release(token: LeaseToken): Promise<void> {
    return this.#environment.transact(() => this.#leases.release(token));
  }

  async leases(): Promise<readonly LeaseView[]> {
    this.#environment.refresh();
    return this.#leases.views();
  }

  async time(): Promise<number> {
    return this.#clock.now();
  }

  proposeLayout(sink: string, layout: Layout): Promise<Layout> {
    return this.#environment.transact(() => {
      const stored = this.#layouts.get(sink);
      if (stored !== undefined) return JSON.parse(stored) as Layout;
      void this.#layouts.put(sink, JSON.stringify(layout));
      return layout;
    });
  }

  advanceLayout(sink: string, fromGeneration: number, layout: Layout): Promise<boolean> {
    return this.#environment.transact(() => {
      const text = this.#layouts.get(sink);
      if (text === undefined || layout.generation !== fromGeneration + 1) return false;
      const stored = JSON.parse(text) as Layout;
      if (stored.generation === layout.generation) return stored.uuid === layout.uuid;
      if (stored.generation !== fromGeneration) return false;
      void this.#layouts.put(sink, JSON.stringify(layout));
      return true;
    });
  }

  async layouts(): Promise<Readonly<Record<string, Layout>>> {
    this.#environment.refresh();
    return Object.fromEntries([...this.#layouts.getRange()].map(({ key, value }) => [String(key), JSON.parse(value) as Layout]));
  }

  /** The environment belongs to whoever opened it. */
  async close(): Promise<void> {}

  #records(): MemberRecord[] {
    return [...this.#members.getRange()].map(({ value }) => JSON.parse(value) as MemberRecord);
  }

  #plan(): Plan {
    const text = this.#plans.get(planKey);
    return text === undefined ? noPlan : (JSON.parse(text) as Plan);
  }
}
