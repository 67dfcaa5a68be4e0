import type { Sample } from '../../model/sample.ts';
import { failure } from '../expression/failure.ts';
import { duration } from './duration.ts';

/**
 * The key of rate_of_change and delta. Ceilometer joined name and resource without a border, so `ab` + `c` met `a` + `bc`; kept in
 * strict mode, where a resource that is null fails as well.
 */
export function pairKey(sample: Sample, strict: boolean): readonly string[] {
  const { name, resource_id } = sample as { name: unknown; resource_id: unknown };
  if (typeof name !== 'string' || typeof resource_id !== 'string') {
    if (strict) throw failure('TypeError', 'name and resource_id must be texts to make a key');
    return [String(name), String(resource_id)];
  }
  return strict ? [name + resource_id] : [name, resource_id];
}

/** What a key may have been made of: without a border every place in it may be the one. */
export function pairOrigins(key: readonly string[]): readonly (readonly string[])[] {
  const [joined = '', resource] = key;
  if (resource !== undefined) return [[joined, resource]];
  return Array.from({ length: joined.length + 1 }, (_, at) => [joined.slice(0, at), joined.slice(at)]);
}

/**
 * Without it a key is kept for ever, as Ceilometer kept it: where resources come and go, the state grows with every one ever seen.
 * Measured in partition time, so an hour without an agent forgets nothing.
 */
export const forgetAfter = duration
  .optional()
  .describe('Forget a meter of a resource that sent nothing for so long; its next sample is a first one again. Default: never.');
