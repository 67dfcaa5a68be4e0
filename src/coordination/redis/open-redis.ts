import { type Clock, systemClock } from '../../lib/clock.ts';
import type { KeyRing } from '../../lib/key-ring.ts';
import type { ControlLog } from '../control-log.ts';
import { RedisAcceptedMails } from './accepted-mails.ts';
import { RedisConnection, type RedisServer } from './connection.ts';
import { type Durability, readDurability } from './durability.ts';
import { GuardedScripts } from './guarded-scripts.ts';
import { clusterKeys } from './keys.ts';
import { RedisGroup } from './redis-group.ts';
import { type Rejection, Rejections, type RejectReason } from './rejections.ts';
import { type RecoveryPolicy, Standing, type StandingEvent } from './standing.ts';

export interface RedisOptions extends RedisServer {
  readonly cluster: string;
  readonly ring: KeyRing;
  /** The bus-side record; null: a Redis that forgot everything cannot be told from a new one after a restart of all agents. */
  readonly control: ControlLog | null;
  readonly recovery?: RecoveryPolicy;
  /** How many accepted mails the cluster remembers. */
  readonly rememberedMails?: number;
  readonly clock?: Clock;
  readonly report?: (event: RedisEvent) => void;
}

export type RedisEvent = StandingEvent | ({ readonly kind: 'rejected' } & Rejection);

export interface RedisCoordination {
  readonly group: RedisGroup;
  /** What the partition store on the same Redis is made of. */
  readonly guarded: GuardedScripts;
  readonly mails: RedisAcceptedMails;
  /** Records that nobody of us signed, by reason, since this process began. */
  readonly rejected: Readonly<Partial<Record<RejectReason, number>>>;
  durability(): Promise<Durability>;
  close(): Promise<void>;
}

/** Connects with the first call. Every call may throw a retryable Fault (`redis-fault.ts`, `standing.ts`); none is fatal but a bug. */
export function openRedis(options: RedisOptions): RedisCoordination {
  const { cluster, ring, control } = options;
  const report = options.report ?? (() => undefined);
  const connection = new RedisConnection(options);
  const keys = clusterKeys(cluster);
  const rejections = new Rejections((rejection) => report({ kind: 'rejected', ...rejection }));
  const recovery = options.recovery ?? 'refuse';
  const standing = new Standing({
    cluster,
    connection,
    keys,
    ring,
    control,
    recovery,
    clock: options.clock ?? systemClock,
    report,
  });
  const parts = { connection, keys, ring, control, standing, rejections };
  return {
    group: new RedisGroup(parts),
    guarded: new GuardedScripts(parts),
    mails: new RedisAcceptedMails(parts, options.rememberedMails),
    get rejected() {
      return rejections.counts;
    },
    durability: () => readDurability(connection),
    close: () => connection.close(),
  };
}
