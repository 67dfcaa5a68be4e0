import type { Unit } from '../../coordination/group.ts';
import type { GuardedRedis } from './guarded-redis.ts';

/**
 * The keys of one partition.
 *
 * | part             | holds |
 * |------------------|-------|
 * | `head`           | hash: `ver`, `last` (commit id), `cursor`, `starts`, `suspects` |
 * | `state`          | hash: a field per transformer key |
 * | `outbox`         | hash: `<version>:<group>` → text of a blob |
 * | `groups`         | hash: publisher group → `<items>:<bytes>` that stand in the outbox |
 * | `queue:<group>`  | list: `<version>:<items>:<bytes>` of each blob in the outbox, in order |
 * | `slices`         | hash: every open slice of the id log |
 * | `ids:<slice>`    | list: `<version>:<text>` in order |
 */
export interface UnitKeys {
  readonly head: string;
  readonly state: string;
  readonly outbox: string;
  readonly groups: string;
  readonly slices: string;
  queue(group: string): string;
  ids(slice: number | string): string;
}

export function unitKeys(redis: GuardedRedis, unit: Unit): UnitKeys {
  const key = (part: string) => redis.key(unit, part);
  return {
    head: key('head'),
    state: key('state'),
    outbox: key('outbox'),
    groups: key('groups'),
    slices: key('slices'),
    queue: (group) => key(`queue:${group}`),
    ids: (slice) => key(`ids:${slice}`),
  };
}
