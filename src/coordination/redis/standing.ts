import { randomUUID } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import { list, type Reply, str } from '../../lib/redis-reply.ts';
import { Fault } from '../../model/faults.ts';
import type { ControlLog, ControlRecord } from '../control-log.ts';
import { AnsweredCommits, type WentBack } from './answered-commits.ts';
import type { RedisConnection } from './connection.ts';
import type { ClusterKeys } from './keys.ts';
import { type Probe, readProbe } from './probe.ts';
import { recover } from './recovery.ts';
import type { Script } from './script.ts';
import { acceptLoss, found, reseal } from './scripts/standing.ts';
import { type ClusterMark, judgeCluster, signCluster } from './seals.ts';
import { clusterMode, emptied, stranger, superseded, wrongCluster } from './standing-faults.ts';

/**
 * What to do with a store that lost everything while the bus remembers the cluster.
 *
 * | policy   | |
 * |----------|-|
 * | `refuse` | stand still and say so: a person decides |
 * | `empty`  | begin anew under a higher incarnation; what was stored is lost |
 * | `reseed` | the same, but no partition runs before one who still holds its state has written it back |
 */
export type RecoveryPolicy = 'refuse' | 'empty' | 'reseed';

export interface StandingOptions {
  readonly cluster: string;
  readonly connection: RedisConnection;
  readonly keys: ClusterKeys;
  readonly ring: KeyRing;
  readonly control: ControlLog | null;
  readonly recovery: RecoveryPolicy;
  readonly clock: Clock;
  readonly report: (event: StandingEvent) => void;
}

export type StandingEvent =
  | { readonly kind: 'founded'; readonly clusterId: string }
  | { readonly kind: 'recovered'; readonly incarnation: number; readonly floor: number; readonly lost: boolean }
  | ({ readonly kind: 'went-back' } & WentBack);

const tries = 5;
/** How long two halves of a split network may both work before the one that the bus does not know stops. */
const compareEveryMs = 10_000;

/**
 * Is the store we talk to the one we know? Its answer decides before everything else:
 *
 * | store                       | bus               | |
 * |-----------------------------|-------------------|-|
 * | nothing                     | nothing           | found a cluster |
 * | nothing                     | a cluster         | by policy |
 * | a cluster                   | another           | refuse |
 * | ours, same run              | no later          | go on |
 * | ours, same run              | later incarnation | refuse: another primary was recovered, this one is left over |
 * | ours, Redis was restarted   | any               | recover: incarnation + 1, epoch floor above everything ever granted |
 */
export class Standing {
  readonly answered = new AnsweredCommits();
  readonly #options: StandingOptions;
  #incarnation = 0;
  #mark: ClusterMark | null = null;
  #asking: Promise<ClusterMark> | null = null;
  #clusterId: string | null = null;
  #highestEpoch = 0;
  #comparing = false;
  #comparedAt = Number.NEGATIVE_INFINITY;

  constructor(options: StandingOptions) {
    this.#options = options;
  }

  /** The highest epoch this process ever saw: a store that went back may have forgotten it. */
  saw(epoch: number): void {
    if (epoch > this.#highestEpoch) this.#highestEpoch = epoch;
  }

  /** Ours, checked; recovers where it must. Throws a retryable Fault that says what a person must do. */
  async known(): Promise<ClusterMark> {
    if (this.#mark !== null) return this.#mark;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  doubt(): void {
    this.#mark = null;
  }

  /** This server is not the one: where sentinels say who is, they are asked again. */
  #leave(fault: Fault): Fault {
    this.#options.connection.leave();
    return fault;
  }

  /**
   * Did the bus learn of a later incarnation? Then another primary was taken into service, and ours, which answers as ever, is not the
   * one any more. Begun now and then by the heartbeat, which does not wait for it: a bus that is away proves nothing.
   */
  compareWithBus(): void {
    const { control, clock } = this.#options;
    if (control === null || this.#comparing || clock.monotonic() - this.#comparedAt < compareEveryMs) return;
    this.#comparing = true;
    this.#comparedAt = clock.monotonic();
    void control
      .read()
      .then((record) => {
        if (record !== null && this.#mark !== null && record.incarnation > this.#mark.incarnation) this.doubt();
      })
      .catch(() => undefined)
      .finally(() => {
        this.#comparing = false;
      });
  }

  /** Runs a script that begins with the standing head, recovering as often as needed; the answer begins behind `OK` or another word. */
  async run(script: Script, keys: readonly string[], args: (mark: ClusterMark) => readonly (string | number)[]): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const mark = await this.known();
      const reply = list(
        await this.#options.connection.run(
          script,
          [this.#options.keys.meta, ...keys],
          [mark.clusterId, String(mark.incarnation), ...args(mark)],
        ),
      );
      const word = str(reply[0]);
      if (!inDoubt.has(word)) return { word, values: reply.slice(1), mark };
      this.doubt();
      if (attempt >= tries) throw new Fault('retryable', 'redis_restless', `Redis changes faster than it can be asked (${word})`);
    }
  }

  /** The seal of the cluster moves to the key that signs now, so that the old one may go. */
  async reseal(kid: string): Promise<void> {
    const { ring, connection, keys } = this.#options;
    const { clusterId } = await this.known();
    const signature = signCluster(ring, clusterId);
    if (signature.kid === kid) return;
    const stands = await readProbe(connection, keys);
    if (stands.clusterId !== clusterId || judgeCluster(ring, clusterId, stands) !== null) return;
    await connection.run(reseal, [keys.meta], [stands.mac, signature.kid, signature.mac]);
  }

  async #ask(): Promise<ClusterMark> {
    for (let attempt = 0; attempt < tries; attempt++) {
      const mark = await this.#askOnce();
      if (mark === null) continue;
      await this.#compare(mark.incarnation);
      this.#clusterId = mark.clusterId;
      this.#mark = mark;
      return mark;
    }
    throw new Fault('retryable', 'redis_restless', 'Redis changes faster than it can be recovered');
  }

  /** Before anything else is done under a later incarnation: what it has, and what we were told it has. */
  async #compare(incarnation: number): Promise<void> {
    const { connection, keys, report } = this.#options;
    if (incarnation === this.#incarnation) return;
    for (const each of await this.answered.compare(connection, keys, incarnation)) report({ kind: 'went-back', ...each });
    this.#incarnation = incarnation;
  }

  /** Null: it changed meanwhile, ask again. */
  async #askOnce(): Promise<ClusterMark | null> {
    const { control, ring, cluster, connection, keys, recovery } = this.#options;
    const { address } = connection.place;
    const stands = await readProbe(connection, keys);
    if (stands.mode === 'cluster') throw clusterMode(address);
    const record = control === null ? null : await control.read();
    const expected = record?.clusterId ?? this.#clusterId;
    if (stands.clusterId === '') return expected === null ? this.#found() : this.#recoverEmpty(stands, record, expected);
    if (expected !== null && stands.clusterId !== expected) throw wrongCluster(address, cluster, stands.clusterId, expected);
    const bad = judgeCluster(ring, stands.clusterId, stands);
    if (bad !== null) throw stranger(address, cluster, stands.kid, bad);
    if (stands.run !== stands.knownRun) return this.#recover(stands, record, false);
    if (record !== null && record.incarnation > stands.incarnation)
      throw this.#leave(superseded(address, stands.incarnation, record.incarnation));
    const mark = { clusterId: stands.clusterId, incarnation: stands.incarnation };
    if (record?.incarnation !== stands.incarnation) await this.#remember(stands);
    if (recovery === 'empty') await connection.run(acceptLoss, [keys.meta], [mark.clusterId]);
    return mark;
  }

  /**
   * The bus learns of the cluster first, under incarnation 0: nothing can have been stored under it, so a founder that dies between the
   * two leaves a cluster that may be founded again, and not one that lost everything.
   */
  async #found(): Promise<null> {
    const { control } = this.#options;
    const fresh: ControlRecord = { clusterId: randomUUID(), incarnation: 0, epochFloor: 0, layouts: {} };
    const record = control === null ? fresh : await control.update((current) => current ?? fresh);
    return record.incarnation > 0 ? null : this.#foundAs(record.clusterId);
  }

  async #foundAs(clusterId: string): Promise<null> {
    const { connection, keys, ring, report } = this.#options;
    const { kid, mac } = signCluster(ring, clusterId);
    const [word] = list(await connection.run(found, [keys.meta], [clusterId, '1', kid, mac]));
    if (word === 'OK') report({ kind: 'founded', clusterId });
    return null; // asked again, as everybody else would find it
  }

  async #recoverEmpty(stands: Probe, record: ControlRecord | null, clusterId: string): Promise<null> {
    const { connection, recovery, cluster, keys } = this.#options;
    // Another agent founded it between our look there and our look at the bus.
    if ((await readProbe(connection, keys)).clusterId !== '') return null;
    if (record !== null && record.incarnation === 0) return this.#foundAs(record.clusterId);
    if (recovery !== 'refuse') return this.#recover({ ...stands, clusterId }, record, true);
    throw emptied(connection.place.address, cluster);
  }

  async #recover(stands: Probe, record: ControlRecord | null, lost: boolean): Promise<null> {
    const done = await recover(this.#options, stands, record, this.#highestEpoch, lost);
    if (done !== null) this.#options.report({ kind: 'recovered', ...done, lost });
    return null;
  }

  /** What the bus does not know yet: a store that was there before it, or a cluster founded just now. */
  async #remember(stands: Probe): Promise<void> {
    await this.#options.control?.update((current) => ({
      clusterId: stands.clusterId,
      layouts: {},
      ...current,
      incarnation: Math.max(current?.incarnation ?? 0, stands.incarnation),
      epochFloor: Math.max(current?.epochFloor ?? 0, stands.floor),
    }));
  }
}

export interface Answer {
  readonly word: string;
  readonly values: readonly Reply[];
  readonly mark: ClusterMark;
}

const inDoubt = new Set(['EMPTY', 'WRONGCLUSTER', 'RUN', 'INC']);
