import { z } from 'zod';
import type { Json } from '../../model/json.ts';

/**
 * A parameter of a transformer that Ceilometer had: the schema says what is meant, for the docs and the editor, but whatever Ceilometer
 * loaded is loaded, and behaves as it did there.
 */
export function lenient(meant: z.ZodType): z.ZodType<Json | undefined> {
  return z.union([meant, z.custom<Json>(() => true)]).optional() as z.ZodType<Json | undefined>;
}

export const strictCompat = z
  .boolean()
  .default(true)
  .describe(
    "True: Ceilometer's results to the last digit, its defects included. False: the right results; the README of the transformer lists the differences.",
  );

/** Parameters nobody reads: Ceilometer swallowed them silently. */
export function unknownParameters(parameters: object, known: readonly string[], prefix = ''): string[] {
  return Object.keys(parameters)
    .filter((key) => !known.includes(key))
    .map((key) => `unknown parameter ${prefix}${key} is ignored`);
}
