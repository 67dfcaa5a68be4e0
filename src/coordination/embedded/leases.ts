import type { Table } from '../../lib/lmdb-environment.ts';
import { type Deadline, deadlineIn, leftMs, type MachineTime } from '../../lib/machine-time.ts';
import { isOwnerAlive, processOwner } from '../../lib/process-owner.ts';
import type { AcquireResult, AgentIdentity, LeaseToken, LeaseView, Unit } from '../group.ts';

/** The history of an LMDB file never goes back by itself (nobody sees a transaction before it is on disk), so one is enough. */
const embeddedIncarnation = 1;

interface Lease {
  /** Empty after a release: the epoch stays, the owner is gone. */
  readonly agent: string;
  readonly boot: string;
  readonly epoch: number;
  readonly plan: number;
  readonly until: Deadline;
  /** The process that has it. Leases of before do not say. */
  readonly owner?: string;
}

/**
 * Held by an earlier boot of the same agent, whose process is gone: it was killed and started again, and need not wait for itself. Leases of other
 * agents are never judged so: they may be in another container, where our process table says nothing.
 */
function isOrphan(lease: Lease, { agent }: AgentIdentity): boolean {
  return lease.agent === agent && lease.owner !== undefined && !isOwnerAlive(lease.owner);
}

/** The lease records. Every method but `views` runs inside a transaction of the same environment as the effects it guards. */
export class Leases {
  readonly #table: Table<string>;
  readonly #time: MachineTime;
  readonly #owner: string;

  constructor(table: Table<string>, time: MachineTime, owner = processOwner()) {
    this.#table = table;
    this.#time = time;
    this.#owner = owner;
  }

  /** The guard at the head of every effect. An expired lease still holds: only another owner's acquire ends it. */
  holds(token: LeaseToken): boolean {
    const lease = this.#read(token.unit);
    return (
      lease !== undefined &&
      token.incarnation === embeddedIncarnation &&
      lease.agent !== '' &&
      lease.agent === token.agent &&
      lease.boot === token.boot &&
      lease.epoch === token.epoch
    );
  }

  acquire(identity: AgentIdentity, unit: Unit, planVersion: number, ttlMs: number): AcquireResult {
    const lease = this.#read(unit);
    const left = lease === undefined || lease.agent === '' || isOrphan(lease, identity) ? 0 : leftMs(this.#time, lease.until);
    if (lease !== undefined && left > 0 && !(lease.agent === identity.agent && lease.boot === identity.boot))
      return { kind: 'held', by: lease.agent, expiresInMs: left };
    if (lease !== undefined && planVersion < lease.plan) return { kind: 'stale-plan' };
    const { agent, boot } = identity;
    const epoch = (lease?.epoch ?? 0) + 1;
    this.#write(unit, { agent, boot, epoch, plan: planVersion, until: deadlineIn(this.#time, ttlMs), owner: this.#owner });
    return { kind: 'acquired', token: { unit, agent, boot, epoch, incarnation: embeddedIncarnation } };
  }

  /** False, and nothing changed, when the token is no longer the lease's. */
  extend(token: LeaseToken, ttlMs: number): boolean {
    const lease = this.#read(token.unit);
    if (lease === undefined || !this.holds(token)) return false;
    this.#write(token.unit, { ...lease, until: deadlineIn(this.#time, ttlMs) });
    return true;
  }

  release(token: LeaseToken): void {
    const lease = this.#read(token.unit);
    if (lease === undefined || !this.holds(token)) return;
    this.#write(token.unit, { ...lease, agent: '', boot: '', until: { ...lease.until, atMs: 0 } });
  }

  views(): readonly LeaseView[] {
    const views: LeaseView[] = [];
    for (const { key, value } of this.#table.getRange()) {
      const { agent, boot, epoch, until } = JSON.parse(value) as Lease;
      const free = agent === '';
      views.push({
        unit: String(key),
        agent: free ? null : agent,
        boot: free ? null : boot,
        epoch,
        expiresInMs: free ? 0 : leftMs(this.#time, until),
      });
    }
    return views;
  }

  #read(unit: Unit): Lease | undefined {
    const text = this.#table.get(unit);
    return text === undefined ? undefined : (JSON.parse(text) as Lease);
  }

  #write(unit: Unit, lease: Lease): void {
    void this.#table.put(unit, JSON.stringify(lease));
  }
}
