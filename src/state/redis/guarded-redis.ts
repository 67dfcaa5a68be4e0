import type { LeaseToken, Unit } from '../../coordination/group.ts';
import type { Reply } from '../../lib/redis-reply.ts';

/** A piece of Lua that runs behind the guard of a lease: keys from `KEYS[3]`, arguments from `ARGV[7]`, the lease `KEYS[2]`, the time `now`. */
export interface Piece {
  readonly name: string;
  readonly lua: string;
}

/** What the store needs of the coordination beside it: Lua that is never run without the guard of the lease before it. */
export interface GuardedRedis {
  key(unit: Unit, part: string): string;
  /** Null: fenced, and nothing was done. */
  effect(
    piece: Piece,
    token: LeaseToken,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<readonly Reply[] | null>;
  /** The store has this version of the partition, it says: should it ever have less, that is told. 0: the partition was dropped. */
  answered(unit: Unit, version: number): void;
  /** The version of a partition that stood there when this incarnation began; null: not known, or all was lost. */
  stoodAtRecovery(unit: Unit, incarnation: number): Promise<number | null>;
  /** Without a lease, for what only looks. Keys from `KEYS[2]`, arguments from `ARGV[3]`. */
  look(piece: Piece, keys: readonly string[], args: readonly (string | number)[]): Promise<readonly Reply[]>;
  /** One page of a hash; whoever reads all of it asks the guard afterwards. */
  scan(key: string, cursor: string, count: number): Promise<{ readonly cursor: string; readonly page: readonly string[] }>;
}
