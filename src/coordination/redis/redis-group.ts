import type { KeyRing } from '../../lib/key-ring.ts';
import { num, str } from '../../lib/redis-reply.ts';
import type { ControlLog } from '../control-log.ts';
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
import type { RedisConnection } from './connection.ts';
import type { ClusterKeys } from './keys.ts';
import { Layouts } from './layouts.ts';
import { Leases } from './leases.ts';
import { Members } from './members.ts';
import type { Rejections } from './rejections.ts';
import { commitPlan, readPlan } from './scripts/agreements.ts';
import { judgePlan, signPlan } from './seals.ts';
import type { Standing } from './standing.ts';

export interface GroupParts {
  readonly connection: RedisConnection;
  readonly keys: ClusterKeys;
  readonly ring: KeyRing;
  readonly control: ControlLog | null;
  readonly standing: Standing;
  readonly rejections: Rejections;
}

/**
 * Coordination of agents on any number of machines through one Redis. Whoever has a password of it can write there, so who belongs to
 * us is told by signatures, and every reader checks them; Redis itself holds no secret. Time is Redis's alone.
 */
export class RedisGroup implements Group {
  readonly #parts: GroupParts;
  readonly #members: Members;
  readonly #leases: Leases;
  readonly #layouts: Layouts;

  constructor(parts: GroupParts) {
    this.#parts = parts;
    this.#members = new Members(parts);
    this.#leases = new Leases(parts);
    this.#layouts = new Layouts(parts);
  }

  heartbeat(member: Member, ttlMs: number): Promise<void> {
    return this.#members.heartbeat(member, ttlMs);
  }

  leave(identity: AgentIdentity): Promise<void> {
    return this.#members.leave(identity);
  }

  async members(): Promise<readonly Member[]> {
    return (await this.#members.living()).map(({ member }) => member);
  }

  living(): Promise<readonly LivingMember[]> {
    return this.#members.living();
  }

  /** A plan that nobody of us signed is none, but its version stands: the next one must be above it. */
  async readPlan(): Promise<Plan> {
    const { standing, keys, ring, rejections } = this.#parts;
    const { values, mark } = await standing.run(readPlan, [keys.plan], () => []);
    const [version, owners, signature] = [num(values[0]), str(values[1]), { kid: str(values[2]), mac: str(values[3]) }];
    if (owners === '' && signature.mac === '') return { version, owners: {} };
    const reason = judgePlan(ring, mark.clusterId, version, owners, signature);
    if (reason === null) return { version, owners: JSON.parse(owners) as Plan['owners'] };
    rejections.add({ what: 'plan', reason, where: keys.plan, kid: signature.kid }, `${version} ${owners} ${signature.mac}`);
    return { version, owners: {} };
  }

  async commitPlan(expectVersion: number, owners: Plan['owners']): Promise<boolean> {
    const { standing, keys, ring } = this.#parts;
    const text = JSON.stringify(owners);
    const { word } = await standing.run(commitPlan, [keys.plan], ({ clusterId }) => {
      const { kid, mac } = signPlan(ring, clusterId, expectVersion + 1, text);
      return [expectVersion, text, kid, mac];
    });
    return word === 'OK';
  }

  acquire(identity: AgentIdentity, unit: Unit, planVersion: number, ttlMs: number): Promise<AcquireResult> {
    return this.#leases.acquire(identity, unit, planVersion, ttlMs);
  }

  renew(tokens: readonly LeaseToken[], ttlMs: number): Promise<readonly LeaseToken[]> {
    return this.#leases.renew(tokens, ttlMs);
  }

  release(token: LeaseToken): Promise<void> {
    return this.#leases.release(token);
  }

  leases(): Promise<readonly LeaseView[]> {
    return this.#leases.views();
  }

  async time(): Promise<number> {
    const [seconds, micros] = (await this.#parts.connection.command('TIME')) as readonly string[];
    return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  }

  proposeLayout(sink: string, layout: Layout): Promise<Layout> {
    return this.#layouts.propose(sink, layout);
  }

  advanceLayout(sink: string, fromGeneration: number, layout: Layout): Promise<boolean> {
    return this.#layouts.advance(sink, fromGeneration, layout);
  }

  layouts(): Promise<Readonly<Record<string, Layout>>> {
    return this.#layouts.all();
  }

  /** The connection belongs to whoever opened it. */
  async close(): Promise<void> {}
}
