/**
 * Who runs what. A lease says who *should* run a unit; it never makes anything exclusive. Safety is the guard at the head of every
 * effect on the state store, which checks the same token. Adapters: embedded (LMDB), Redis.
 *
 * Promises (suite: `test/contract/group.contract.ts`):
 * - Epochs of a unit strictly increase with every acquire by another (agent, boot). They never go back while `incarnation` stands.
 * - A lease is held until `ttl` after its last renewal, measured by the store's own clock, never by a wall clock of ours.
 * - `release` keeps the epoch and lets the next owner acquire at once.
 * - A plan is committed by compare-and-set: once per version.
 * - A member whose record is not signed with a known key does not exist; it is counted in `rejected`.
 */
export interface AgentIdentity {
  /** Stable if given by the operator (`--static-id`), else made at start. */
  readonly agent: string;
  /** 128 random bits of this process. */
  readonly boot: string;
}

/** A unit of ownership: one partition of one sink, by its `partitionName`. */
export type Unit = string;

export interface LeaseToken extends AgentIdentity {
  readonly unit: Unit;
  readonly epoch: number;
  readonly incarnation: number;
}

export interface Member extends AgentIdentity {
  readonly weight: number;
  readonly protocol: number;
  readonly build: string;
  readonly host: string;
  readonly pid: number;
  /** Free facts for `status` (admin address, roles). */
  readonly facts: Readonly<Record<string, string>>;
}

/** Counts as alive for so long unless it says so again. */
export interface LivingMember {
  readonly member: Member;
  readonly endsInMs: number;
}

export interface Plan {
  readonly version: number;
  readonly owners: Readonly<Record<Unit, string>>;
}

export interface LeaseView {
  readonly unit: Unit;
  readonly agent: string | null;
  readonly boot: string | null;
  readonly epoch: number;
  readonly expiresInMs: number;
}

export type AcquireResult =
  | { readonly kind: 'acquired'; readonly token: LeaseToken }
  | { readonly kind: 'held'; readonly by: string; readonly expiresInMs: number }
  | { readonly kind: 'stale-plan' };

export interface Group {
  /** Writes or refreshes our member record; it counts as alive for `ttlMs` from now on the store's clock. */
  heartbeat(member: Member, ttlMs: number): Promise<void>;
  leave(identity: AgentIdentity): Promise<void>;
  /** Members alive on the store's clock. */
  members(): Promise<readonly Member[]>;
  /** The same, each with when it will be one no more. */
  living(): Promise<readonly LivingMember[]>;
  readPlan(): Promise<Plan>;
  /** Succeeds only when the stored version is still `expectVersion`; the new one is `expectVersion + 1`. */
  commitPlan(expectVersion: number, owners: Plan['owners']): Promise<boolean>;
  acquire(identity: AgentIdentity, unit: Unit, planVersion: number, ttlMs: number): Promise<AcquireResult>;
  /** One call for all leases of this agent: the tokens that are no longer ours come back. */
  renew(tokens: readonly LeaseToken[], ttlMs: number): Promise<readonly LeaseToken[]>;
  release(token: LeaseToken): Promise<void>;
  leases(): Promise<readonly LeaseView[]>;
  /** The store's clock in epoch ms, for ticks (`at`). Embedded: the machine's. Redis: TIME. */
  time(): Promise<number>;
  /**
   * The layout (partition count and generation of every sink), stored once by compare-and-set: the first writer wins and every
   * other agent gets what is stored. A caller whose own count differs must refuse to start.
   */
  proposeLayout(sink: string, layout: Layout): Promise<Layout>;
  /**
   * Another partition count, `topics apply`: `layout` (generation `fromGeneration + 1`) takes the place of the stored one if that is still of
   * generation `fromGeneration`. False: nothing changed, somebody else advanced it or there is none. True as well when this very layout, by
   * its uuid, stands there already: the answer to an earlier call was lost.
   */
  advanceLayout(sink: string, fromGeneration: number, layout: Layout): Promise<boolean>;
  layouts(): Promise<Readonly<Record<string, Layout>>>;
  close(): Promise<void>;
}

export interface Layout {
  readonly generation: number;
  readonly partitions: number;
  /** The attributes that choose the partition. */
  readonly partitionBy: readonly string[];
  /** Made by the winner; stands in the genesis entry of every partition. */
  readonly uuid: string;
}
