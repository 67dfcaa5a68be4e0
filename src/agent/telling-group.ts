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
} from '../coordination/group.ts';
import type { Clock } from '../lib/clock.ts';
import { heldUnits, withHeldUnits } from '../pipeline/held-units.ts';
import type { RememberingStore } from '../state/remembering-store.ts';

/**
 * The group, and with each heartbeat what of a store that lost its memory we could write back.
 *
 * An agent that slept through a takeover holds an older state than the one that took over, and does not know it. So nothing is written back
 * before everybody living has had the time to say what it holds (a lease's life: by then each has renewed and been told), and only by
 * who holds the latest.
 */
export class TellingGroup implements Group {
  readonly #inner: Group;
  readonly #clock: Clock;
  readonly #store: RememberingStore;
  /** Since when we say that we hold it, by the monotonic clock. */
  readonly #claimed = new Map<Unit, number>();
  #agent: string | null = null;
  #patienceMs = 0;

  constructor(inner: Group, clock: Clock, openStore: (mayWriteBack: (unit: Unit) => Promise<boolean>) => RememberingStore) {
    this.#inner = inner;
    this.#clock = clock;
    this.#store = openStore((unit) => this.#mayWriteBack(unit));
  }

  get store(): RememberingStore {
    return this.#store;
  }

  async heartbeat(member: Member, ttlMs: number): Promise<void> {
    const lost = await this.#store.lost();
    await this.#inner.heartbeat(withHeldUnits(member, lost), ttlMs);
    this.#agent = member.agent;
    this.#patienceMs = ttlMs;
    for (const unit of [...this.#claimed.keys()]) if (lost[unit] === undefined) this.#claimed.delete(unit);
    for (const unit of Object.keys(lost)) if (!this.#claimed.has(unit)) this.#claimed.set(unit, this.#clock.monotonic());
  }

  async #mayWriteBack(unit: Unit): Promise<boolean> {
    const since = this.#claimed.get(unit);
    if (since === undefined || this.#clock.monotonic() - since < this.#patienceMs) return false;
    return heldUnits(await this.#inner.members())[unit] === this.#agent;
  }

  leave(identity: AgentIdentity): Promise<void> {
    return this.#inner.leave(identity);
  }

  members(): Promise<readonly Member[]> {
    return this.#inner.members();
  }

  living(): Promise<readonly LivingMember[]> {
    return this.#inner.living();
  }

  readPlan(): Promise<Plan> {
    return this.#inner.readPlan();
  }

  commitPlan(expectVersion: number, owners: Plan['owners']): Promise<boolean> {
    return this.#inner.commitPlan(expectVersion, owners);
  }

  acquire(identity: AgentIdentity, unit: Unit, planVersion: number, ttlMs: number): Promise<AcquireResult> {
    return this.#inner.acquire(identity, unit, planVersion, ttlMs);
  }

  renew(tokens: readonly LeaseToken[], ttlMs: number): Promise<readonly LeaseToken[]> {
    return this.#inner.renew(tokens, ttlMs);
  }

  async release(token: LeaseToken): Promise<void> {
    await this.#store.leaves(token.unit);
    await this.#inner.release(token);
  }

  leases(): Promise<readonly LeaseView[]> {
    return this.#inner.leases();
  }

  time(): Promise<number> {
    return this.#inner.time();
  }

  proposeLayout(sink: string, layout: Layout): Promise<Layout> {
    return this.#inner.proposeLayout(sink, layout);
  }

  advanceLayout(sink: string, fromGeneration: number, layout: Layout): Promise<boolean> {
    return this.#inner.advanceLayout(sink, fromGeneration, layout);
  }

  layouts(): Promise<Readonly<Record<string, Layout>>> {
    return this.#inner.layouts();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
