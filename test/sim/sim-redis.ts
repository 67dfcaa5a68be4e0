import type { AcquireResult, AgentIdentity, LeaseToken, LivingMember, Member, Plan, Unit } from '../../src/coordination/group.ts';
import type { Entry } from '../../src/model/entry.ts';
import { Fault } from '../../src/model/faults.ts';
import type { Commit, CommitResult, Guarded, Loaded, OutboxEntry } from '../../src/state/partition-store.ts';
import type { Flaw } from './flaws.ts';
import type { Ledger } from './ledger.ts';
import type { World } from './world.ts';

/**
 * Redis as the coordination and the state store use it: one process that runs each script alone, answers only after its fsync, and forgets
 * what was not yet synced when it is killed. What the scripts do is said here once more, in as few lines as it takes; that the real ones
 * say the same is for the contract suites and the differential test to tell.
 */
interface Lease {
  readonly agent: string;
  readonly boot: string;
  readonly epoch: number;
  readonly incarnation: number;
  readonly plan: number;
  readonly expiresAt: number;
}

interface Meta {
  readonly incarnation: number;
  readonly floor: number;
  readonly knownRun: number;
}

export interface UnitState {
  readonly version: number;
  readonly lastCommit: string;
  readonly cursor: string | null;
  readonly starts: number;
  readonly suspects: string;
  readonly rows: ReadonlyMap<string, string>;
  readonly ids: ReadonlyMap<number, readonly string[]>;
  readonly outbox: readonly OutboxEntry[];
  /** Not Redis's: the entries that came to this state, for the oracle. It goes back with the state. */
  /** What its owners read, in the order of their commits. */
  readonly applied: readonly { readonly by: string; readonly entry: Entry }[];
}

const newUnit: UnitState = {
  version: 0,
  lastCommit: '',
  cursor: null,
  starts: 0,
  suspects: '',
  rows: new Map(),
  ids: new Map(),
  outbox: [],
  applied: [],
};

interface Undo {
  readonly undo: () => void;
  /** For what the ledger learns only once it can no longer be lost. */
  readonly synced: () => void;
}

const fenced = { kind: 'fenced' } as const;
const floorGap = 1_000;
const done = { kind: 'ok', value: null } as const;

export class SimRedis {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #broken: ReadonlySet<Flaw>;
  readonly #leases = new Map<Unit, Lease>();
  readonly #units = new Map<Unit, UnitState>();
  readonly #members = new Map<string, { readonly member: Member; readonly until: number; readonly seq: number }>();
  readonly #small = new Map<'meta' | 'plan', Meta | Plan>();
  /** On the bus, so nothing that befalls Redis takes it back. */
  #control = { incarnation: 1, floor: 0 };
  #run = 1;
  #seq = 0;
  #downUntil = 0;
  #unsynced: Undo[] = [];
  #synced: Undo[] = [];
  #waiting: { readonly answer: () => void; readonly lost: () => void }[] = [];
  #syncing = false;
  #lastNow = 0;
  #setBack = 0;
  /** Of the server's clock against the world's. */
  offsetMs = 0;

  constructor(world: World, ledger: Ledger, broken: ReadonlySet<Flaw>) {
    this.#world = world;
    this.#ledger = ledger;
    this.#broken = broken;
    this.#small.set('meta', { incarnation: 1, floor: 0, knownRun: 1 });
    this.#small.set('plan', { version: 0, owners: {} });
  }

  /** Runs one script; it is answered once everything it changed is on disk. */
  script<T>(run: () => T, answer: (value: T) => void, refuse: (error: unknown) => void): void {
    const lost = () => refuse(new Fault('retryable', 'redis_lost', 'Redis is away'));
    if (this.#world.now < this.#downUntil) {
      lost();
      return;
    }
    let value: T;
    try {
      this.#recoverIfRestarted();
      value = run();
    } catch (error) {
      refuse(error);
      return;
    }
    this.#waiting.push({ answer: () => answer(value), lost });
    if (this.#syncing) return;
    this.#syncing = true;
    const run_ = this.#run;
    this.#world.after(this.#world.random.between(0.1, 3), null, () => {
      if (this.#run === run_) this.#sync();
    });
  }

  #sync(): void {
    this.#syncing = false;
    for (const { synced } of this.#unsynced) synced();
    this.#synced = [...this.#synced, ...this.#unsynced].slice(-60);
    this.#unsynced = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { answer } of waiting) answer();
  }

  /** Killed and started again. What was not synced is lost, and nobody was told of it; `cut` takes back so much more: a damaged disk. */
  restart(downMs: number, cut: number): void {
    this.#run += 1;
    this.#downUntil = this.#world.now + downMs;
    this.#syncing = false;
    for (const { undo } of this.#unsynced.reverse()) undo();
    for (let i = 0; i < cut; i++) this.#synced.pop()?.undo();
    this.#unsynced = [];
    if (cut > 0) this.#synced = [];
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { lost } of waiting) lost();
    this.#world.tell(() => `redis restarted, ${waiting.length} unanswered, ${cut} cut`);
  }

  #put<K, V>(map: Map<K, V>, key: K, value: V, synced: () => void = () => {}): void {
    const before = map.get(key);
    map.set(key, value);
    this.#unsynced.push({
      undo: () => {
        if (before === undefined) map.delete(key);
        else map.set(key, before);
      },
      synced,
    });
  }

  get #meta(): Meta {
    return this.#small.get('meta') as Meta;
  }

  /** The store itself cannot know; whoever meets it after a restart takes it up again. The bus learns first. */
  #recoverIfRestarted(): void {
    const meta = this.#meta;
    if (meta.knownRun === this.#run || this.#broken.has('run-id')) return;
    const highest = Math.max(0, ...[...this.#leases.values()].map(({ epoch }) => epoch));
    const incarnation = Math.max(meta.incarnation, this.#control.incarnation) + 1;
    const floor = this.#broken.has('floor') ? meta.floor : Math.max(highest, meta.floor, this.#control.floor) + floorGap;
    this.#control = { incarnation, floor };
    this.#put(this.#small, 'meta', { incarnation, floor, knownRun: this.#run });
    this.#world.tell(() => `recovered: incarnation ${incarnation}, floor ${floor}`);
  }

  /** Never goes back, and goes on after its clock was set back. */
  get serverTime(): number {
    const now = this.rawTime + this.#setBack;
    if (now < this.#lastNow) this.#setBack += this.#lastNow - now;
    this.#lastNow = Math.max(this.#lastNow, now);
    return this.#lastNow;
  }

  /** What `TIME` says. */
  get rawTime(): number {
    return this.#world.now + this.offsetMs;
  }

  heartbeat(member: Member, ttlMs: number): void {
    this.#seq += 1;
    const record = { member, until: this.serverTime + ttlMs, seq: this.#seq };
    this.#put(this.#members, `${member.agent}/${member.boot}`, record);
  }

  leave({ agent, boot }: AgentIdentity): void {
    const record = this.#members.get(`${agent}/${boot}`);
    if (record !== undefined) this.#put(this.#members, `${agent}/${boot}`, { ...record, until: 0 });
  }

  living(): readonly LivingMember[] {
    const latest = new Map<string, { readonly member: Member; readonly until: number; readonly seq: number }>();
    for (const record of this.#members.values()) {
      const { agent } = record.member;
      if (record.until > this.serverTime && (latest.get(agent)?.seq ?? -1) < record.seq) latest.set(agent, record);
    }
    return [...latest.values()]
      .map(({ member, until }) => ({ member, endsInMs: until - this.serverTime }))
      .sort((a, b) => (a.member.agent < b.member.agent ? -1 : 1));
  }

  readPlan(): Plan {
    return this.#small.get('plan') as Plan;
  }

  commitPlan(expectVersion: number, owners: Plan['owners']): boolean {
    if (this.readPlan().version !== expectVersion) return false;
    this.#put(this.#small, 'plan', { version: expectVersion + 1, owners });
    return true;
  }

  acquire({ agent, boot }: AgentIdentity, unit: Unit, plan: number, ttlMs: number): AcquireResult {
    const lease = this.#leases.get(unit);
    const { incarnation, floor } = this.#meta;
    if (lease !== undefined && lease.agent !== '' && lease.incarnation === incarnation) {
      const left = lease.expiresAt - this.serverTime;
      const ours = lease.agent === agent && (lease.boot === boot || this.#broken.has('boot'));
      if (left > 0 && !ours) return { kind: 'held', by: lease.agent, expiresInMs: left };
    }
    if (lease !== undefined && plan < lease.plan) return { kind: 'stale-plan' };
    const epoch = Math.max(lease?.epoch ?? 0, floor) + 1;
    const expiresAt = this.serverTime + ttlMs;
    this.#put(this.#leases, unit, { agent, boot, epoch, incarnation, plan, expiresAt });
    const token = { unit, agent, boot, epoch, incarnation };
    this.#ledger.granted(token, this.serverTime, expiresAt);
    return { kind: 'acquired', token };
  }

  renew(tokens: readonly LeaseToken[], ttlMs: number): readonly LeaseToken[] {
    const lost: LeaseToken[] = [];
    for (const token of tokens) if (!this.#effect(token, ttlMs)) lost.push(token);
    return lost;
  }

  release(token: LeaseToken): void {
    const lease = this.#leases.get(token.unit);
    if (lease === undefined || !this.#holds(token)) return;
    this.#ledger.released(token);
    this.#put(this.#leases, token.unit, { ...lease, agent: '', boot: '', expiresAt: 0 });
  }

  #holds(token: LeaseToken): boolean {
    const lease = this.#leases.get(token.unit);
    const broken = this.#broken;
    return (
      lease !== undefined &&
      lease.agent === token.agent &&
      (lease.boot === token.boot || broken.has('boot')) &&
      (lease.epoch === token.epoch || broken.has('epoch')) &&
      (this.#meta.incarnation === token.incarnation || broken.has('incarnation'))
    );
  }

  /** The head of every effect; with a time to live it renews the lease. */
  #effect(token: LeaseToken, ttlMs: number | null): boolean {
    const lease = this.#leases.get(token.unit);
    if (lease === undefined || !this.#holds(token)) return false;
    this.#ledger.accepted(token, this.#meta.incarnation, this.#run === this.#meta.knownRun);
    if (ttlMs === null) return true;
    const expiresAt = this.serverTime + ttlMs;
    this.#put(this.#leases, token.unit, { ...lease, expiresAt });
    this.#ledger.renewed(token, expiresAt);
    return true;
  }

  isOwned(unit: Unit): boolean {
    const lease = this.#leases.get(unit);
    return lease !== undefined && lease.agent !== '' && lease.incarnation === this.#meta.incarnation;
  }

  unit(unit: Unit): UnitState {
    return this.#units.get(unit) ?? newUnit;
  }

  load(token: LeaseToken): Guarded<Loaded & { readonly rows: ReadonlyMap<string, string> }> {
    if (!this.#effect(token, null)) return fenced;
    const { version, cursor, starts, suspects, rows, outbox, ids } = this.unit(token.unit);
    const slices = [...ids].flatMap(([slice, texts]) => texts.map((text) => [slice, text] as const));
    return { kind: 'ok', value: { version, cursor, starts, suspects, outbox, ids: slices, rows } };
  }

  noteStart(token: LeaseToken, suspects: string): Guarded<null> {
    if (!this.#effect(token, null)) return fenced;
    const state = this.unit(token.unit);
    this.#put(this.#units, token.unit, { ...state, starts: state.starts + 1, suspects });
    return done;
  }

  commit(token: LeaseToken, commit: Commit, applied: readonly Entry[]): CommitResult {
    if (!this.#effect(token, commit.leaseTtlMs)) return fenced;
    const state = this.unit(token.unit);
    if (state.lastCommit === commit.commitId && !this.#broken.has('commit-id'))
      return { kind: 'replayed', version: state.version };
    if (state.version !== commit.expectVersion && !this.#broken.has('version'))
      return { kind: 'conflict', version: state.version };
    const version = commit.expectVersion + 1;
    this.#ledger.committed(token.unit, state.version, version);
    const rows = new Map(state.rows);
    for (const key of commit.del) rows.delete(key);
    for (const [key, value] of commit.set) rows.set(key, value);
    const ids = new Map(state.ids);
    if (commit.ids !== null) ids.set(commit.ids.slice, [...(ids.get(commit.ids.slice) ?? []), commit.ids.text]);
    for (const slice of commit.dropSlices) ids.delete(slice);
    const next: UnitState = {
      version,
      lastCommit: commit.commitId,
      cursor: commit.cursor,
      starts: 0,
      suspects: state.suspects,
      rows,
      ids,
      outbox: [...state.outbox, ...commit.outbox.map((blob) => ({ ...blob, version }))],
      applied: [...state.applied, ...applied.map((entry) => ({ by: `${token.incarnation}.${token.epoch}`, entry }))],
    };
    this.#put(this.#units, token.unit, next, () => this.#ledger.durable(token.unit, version, commit));
    return { kind: 'ok', version };
  }

  clearOutbox(token: LeaseToken, group: string, upTo: number): Guarded<null> {
    if (!this.#effect(token, null)) return fenced;
    const state = this.unit(token.unit);
    const outbox = state.outbox.filter((entry) => entry.group !== group || entry.version > upTo);
    this.#put(this.#units, token.unit, { ...state, outbox });
    return done;
  }
}
