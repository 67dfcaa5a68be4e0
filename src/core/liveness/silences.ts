import type { JsonObject } from '../../model/json.ts';
import { compileGlob } from '../python/glob.ts';

/** Nobody is told of hosts that match, until then. Whoever asked for it has a name. */
export interface Silence {
  readonly id: string;
  /** A glob over host names, or `group:` and one over group names. */
  readonly match: string;
  readonly author: string;
  readonly comment: string;
  /** Epoch ms. */
  readonly from: number;
  readonly until: number;
}

export function silenceOf(row: JsonObject): Silence {
  return row as unknown as Silence;
}

export function matches({ match }: Silence, host: string, groups: readonly string[]): boolean {
  if (!match.startsWith('group:')) return compileGlob(match)(host);
  const fits = compileGlob(match.slice('group:'.length));
  return groups.some((group) => fits(group));
}
