import { list, type Reply, str } from '../../lib/redis-reply.ts';
import type { LeaseToken, Unit } from '../group.ts';
import { versionAtRecovery } from './answered-commits.ts';
import type { GroupParts } from './redis-group.ts';
import { type Script, script } from './script.ts';
import { guard, head } from './scripts/head.ts';

/** A piece of Lua of another room, behind the guard: its keys begin with `KEYS[3]`, its arguments with `ARGV[7]`. */
export interface Piece {
  readonly name: string;
  readonly lua: string;
}

/** The effects of the partition store run through here: never without the guard of the lease in the same script. */
export class GuardedScripts {
  readonly #parts: Pick<GroupParts, 'connection' | 'keys' | 'standing'>;
  readonly #scripts = new Map<string, Script>();

  constructor(parts: Pick<GroupParts, 'connection' | 'keys' | 'standing'>) {
    this.#parts = parts;
  }

  key(unit: Unit, part: string): string {
    return this.#parts.keys.part(unit, part);
  }

  /**
   * What the piece returned; null: fenced, and nothing was done. After a recovery every older token is; a store that is empty or another
   * cluster's throws instead, because what its owner holds in memory may be all that is left.
   */
  async effect(
    piece: Piece,
    token: LeaseToken,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<readonly Reply[] | null> {
    const { standing, keys: names } = this.#parts;
    const answer = await standing.run(this.#script(piece, guard), [names.lease(token.unit), ...keys], () => [
      token.agent,
      token.boot,
      token.epoch,
      token.incarnation,
      ...args,
    ]);
    return answer.word === 'FENCED' ? null : [answer.word, ...answer.values];
  }

  /** The store has this version of the partition, it says. 0: the partition was dropped. */
  answered(unit: Unit, version: number): void {
    this.#parts.standing.answered.saw(unit, version);
  }

  /** The version of a partition that stood there when this incarnation began; null: not known, or all was lost. */
  stoodAtRecovery(unit: Unit, incarnation: number): Promise<number | null> {
    const { connection, keys } = this.#parts;
    return versionAtRecovery(connection, keys, incarnation, unit);
  }

  /** Without a lease, for what only looks. Keys from `KEYS[2]`, arguments from `ARGV[3]`. */
  async look(piece: Piece, keys: readonly string[], args: readonly (string | number)[]): Promise<readonly Reply[]> {
    const { word, values } = await this.#parts.standing.run(this.#script(piece, head), keys, () => args);
    return [word, ...values];
  }

  /** One page of a hash: the next cursor and field, value, field, value… Reading only; whoever reads all asks the guard afterwards. */
  async scan(key: string, cursor: string, count: number): Promise<{ readonly cursor: string; readonly page: readonly string[] }> {
    const [next, page] = list(await this.#parts.connection.command('HSCAN', key, cursor, 'COUNT', count));
    return { cursor: str(next), page: list(page) as readonly string[] };
  }

  #script(piece: Piece, before: string): Script {
    const known = this.#scripts.get(piece.name);
    if (known !== undefined) return known;
    const made = script(piece.name, before + piece.lua);
    this.#scripts.set(piece.name, made);
    return made;
  }
}
