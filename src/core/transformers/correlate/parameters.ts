import { z } from 'zod';
import { compileGroupingKey } from '../../partition/grouping-key.ts';
import { compileGlob } from '../../python/glob.ts';
import { duration } from '../duration.ts';

export const Parameters = z
  .strictObject({
    sequence: z
      .array(z.string().min(1))
      .min(2)
      .max(16)
      .describe(
        'Event types (or meter names) in the order they should happen; `*` and `?` as in a shell. Two make a pair: start and end.',
      ),
    by: z.array(z.string().min(1)).min(1).describe('What belongs together: fields with equal values, like traits.instance_id.'),
    timeout: duration.describe(
      'How long, in partition time, after its first step a sequence may take before it counts as never ended.',
    ),
    hold: duration.prefault('1m').describe('How long a later step waits for the first one, when they come in the wrong order.'),
    emit: z.enum(['event', 'sample']).default('event'),
    name: z
      .string()
      .min(1)
      .describe('Event type or meter name of a finished sequence; `.never_ended` is added for one that did not.'),
  })
  .transform((raw) => ({
    steps: raw.sequence.map((pattern) => ({ pattern, matches: compileGlob(pattern) })),
    by: raw.by,
    group: compileGroupingKey(raw.by),
    timeoutMs: raw.timeout,
    holdMs: raw.hold,
    emit: raw.emit,
    name: raw.name,
  }));
export type Parameters = z.infer<typeof Parameters>;
