import type { Signature } from '../../lib/key-ring.ts';
import { list, num, type Reply, str } from '../../lib/redis-reply.ts';
import { Fault } from '../../model/faults.ts';
import type { AcquireResult, AgentIdentity, LeaseToken, LeaseView, Unit } from '../group.ts';
import type { GroupParts } from './redis-group.ts';
import { script } from './script.ts';
import { guard } from './scripts/head.ts';
import { acquire, readLeases, readUnits, release, renew } from './scripts/leases.ts';
import { type ClusterMark, judgeLease, type LeaseClaim, signLease } from './seals.ts';

/** A lease as it stands, before it is believed; numbers as the text they are, since that text is signed. */
interface Stored extends Signature {
  readonly agent: string;
  readonly boot: string;
  readonly epoch: string;
  readonly incarnation: string;
  readonly expiresAt: number;
  readonly plan: string;
}

const perCall = 200;
const tries = 20;
const releaseScript = script('release', guard + release);

/**
 * Who should run what. A lease is signed by whoever acquired it; one with a bad code binds nobody and may be taken at once, above its
 * epoch. One of an earlier incarnation binds nobody either: its token is dead.
 */
export class Leases {
  readonly #parts: GroupParts;
  /** The highest epoch of each unit that was proven to us. */
  readonly #proven = new Map<Unit, number>();

  constructor(parts: GroupParts) {
    this.#parts = parts;
  }

  /** Reads, judges, signs the next epoch, and takes it only if what was judged still stands. */
  async acquire(identity: AgentIdentity, unit: Unit, planVersion: number, ttlMs: number): Promise<AcquireResult> {
    const { standing, keys, ring } = this.#parts;
    for (let attempt = 0; attempt < tries; attempt++) {
      const { values, mark } = await standing.run(readLeases, [keys.lease(unit)], () => []);
      const lease = toStored(values[2]);
      const trusted = this.#trusts(mark, unit, lease);
      const { agent, boot } = identity;
      const epoch = Math.max(num(lease.epoch), num(values[1]), this.#proven.get(unit) ?? 0) + 1;
      const claim: LeaseClaim = {
        unit,
        agent,
        boot,
        epoch: String(epoch),
        plan: String(planVersion),
        incarnation: String(mark.incarnation),
      };
      const answer = await standing.run(acquire, [keys.lease(unit), keys.units], (now) => {
        const { kid, mac } = signLease(ring, now.clusterId, claim);
        const judged = [lease.epoch, lease.mac, trusted ? '0' : '1'];
        return [...judged, agent, boot, claim.epoch, claim.plan, ttlMs, kid, mac, unit];
      });
      if (answer.word === 'HELD') return { kind: 'held', by: str(answer.values[0]), expiresInMs: num(answer.values[1]) };
      if (answer.word === 'STALEPLAN') return { kind: 'stale-plan' };
      if (answer.word !== 'OK' || answer.mark.incarnation !== mark.incarnation) continue;
      this.#prove(unit, epoch);
      return { kind: 'acquired', token: { unit, agent, boot, epoch, incarnation: mark.incarnation } };
    }
    throw new Fault('retryable', 'redis_restless', `the lease of ${unit} changes faster than it can be taken`);
  }

  /** After a recovery every token is of an earlier incarnation, so all come back. */
  async renew(tokens: readonly LeaseToken[], ttlMs: number): Promise<readonly LeaseToken[]> {
    const { standing, keys } = this.#parts;
    const lost: LeaseToken[] = [];
    for (let start = 0; start < tokens.length; start += perCall) {
      const some = tokens.slice(start, start + perCall);
      const { values } = await standing.run(
        renew,
        some.map(({ unit }) => keys.lease(unit)),
        () => [ttlMs, ...some.flatMap(({ agent, boot, epoch, incarnation }) => [agent, boot, epoch, incarnation])],
      );
      for (const index of values) {
        const token = some[num(index) - 1];
        if (token !== undefined) lost.push(token);
      }
    }
    return lost;
  }

  async release({ unit, agent, boot, epoch, incarnation }: LeaseToken): Promise<void> {
    const { standing, keys } = this.#parts;
    await standing.run(releaseScript, [keys.lease(unit)], () => [agent, boot, epoch, incarnation]);
  }

  async views(): Promise<readonly LeaseView[]> {
    const { standing, keys } = this.#parts;
    const units = (await standing.run(readUnits, [keys.units], () => [])).values.map(str).sort();
    const views: LeaseView[] = [];
    for (let start = 0; start < units.length; start += perCall) {
      const some = units.slice(start, start + perCall);
      const { values, mark } = await standing.run(
        readLeases,
        some.map((unit) => keys.lease(unit)),
        () => [],
      );
      for (const [index, unit] of some.entries()) views.push(this.#view(mark, unit, toStored(values[index + 2]), num(values[0])));
    }
    return views;
  }

  #view(mark: ClusterMark, unit: Unit, lease: Stored, now: number): LeaseView {
    const epoch = num(lease.epoch);
    const bound = lease.agent !== '' && lease.incarnation === String(mark.incarnation) && this.#trusts(mark, unit, lease);
    if (!bound) return { unit, agent: null, boot: null, epoch, expiresInMs: 0 };
    return { unit, agent: lease.agent, boot: lease.boot, epoch, expiresInMs: Math.max(0, lease.expiresAt - now) };
  }

  #trusts(mark: ClusterMark, unit: Unit, lease: Stored): boolean {
    if (lease.agent === '') return true;
    const reason = judgeLease(this.#parts.ring, mark.clusterId, { unit, ...lease }, lease);
    if (reason === null) {
      this.#prove(unit, num(lease.epoch));
      return true;
    }
    this.#parts.rejections.add({ what: 'lease', reason, where: unit, kid: lease.kid }, `${lease.epoch} ${lease.mac}`);
    return false;
  }

  #prove(unit: Unit, epoch: number): void {
    this.#parts.standing.saw(epoch);
    this.#proven.set(unit, Math.max(epoch, this.#proven.get(unit) ?? 0));
  }
}

function toStored(reply: Reply | undefined): Stored {
  const [agent, boot, epoch, incarnation, expiresAt, plan, kid, mac] = list(reply);
  return {
    agent: str(agent),
    boot: str(boot),
    epoch: str(epoch),
    incarnation: str(incarnation),
    expiresAt: num(expiresAt),
    plan: str(plan),
    kid: str(kid),
    mac: str(mac),
  };
}
