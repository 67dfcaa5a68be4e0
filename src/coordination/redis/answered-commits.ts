import { list, num, str } from '../../lib/redis-reply.ts';
import type { Unit } from '../group.ts';
import type { RedisConnection } from './connection.ts';
import type { ClusterKeys } from './keys.ts';

/** A partition of which this process was told a later commit is stored than what a recovered Redis has of it. */
export interface WentBack {
  readonly unit: Unit;
  readonly answered: number;
  readonly found: number;
}

/**
 * What Redis told us it has, by partition: a promoted replica, or a file that has lost its end, may have less. Whoever recovers it keeps
 * the versions that stood there, before anybody writes on (`scripts/standing.ts`, `recover`); every agent compares them with its own.
 */
export class AnsweredCommits {
  readonly #versions = new Map<Unit, number>();

  /** 0: the partition was dropped, on purpose. */
  saw(unit: Unit, version: number): void {
    if (version === 0) this.#versions.delete(unit);
    else this.#versions.set(unit, version);
  }

  /** Each is told once. Empty where everything was lost: that is told otherwise, and decided by a person. */
  async compare(connection: RedisConnection, keys: ClusterKeys, incarnation: number): Promise<readonly WentBack[]> {
    if (this.#versions.size === 0) return [];
    const versions = await versionsAtRecovery(connection, keys, incarnation);
    if (versions === null) return [];
    const back: WentBack[] = [];
    for (const [unit, answered] of this.#versions) {
      const found = versions.get(unit) ?? 0;
      if (found >= answered) continue;
      back.push({ unit, answered, found });
      this.saw(unit, found);
    }
    return back;
  }
}

/** Of one partition; null where that is not known, or all was lost. */
export async function versionAtRecovery(
  connection: RedisConnection,
  keys: ClusterKeys,
  incarnation: number,
  unit: Unit,
): Promise<number | null> {
  const [began, version] = list(await connection.command('HMGET', keys.recovered, incarnationField, unit));
  return num(began) === incarnation && version !== null ? num(version) : null;
}

// No unit is called so: all begin with the name of their topics.
const incarnationField = 'inc';

/** What stood there when this incarnation began, by unit; null where it is not that one's, or all was lost. */
async function versionsAtRecovery(
  connection: RedisConnection,
  keys: ClusterKeys,
  incarnation: number,
): Promise<ReadonlyMap<Unit, number> | null> {
  const reply = list(await connection.command('HGETALL', keys.recovered));
  const versions = new Map<string, number>();
  for (let i = 0; i < reply.length; i += 2) versions.set(str(reply[i]), num(reply[i + 1]));
  return versions.get(incarnationField) === incarnation ? versions : null;
}
