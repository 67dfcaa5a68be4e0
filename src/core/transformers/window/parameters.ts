import { z } from 'zod';
import { compileAttribute, compileGroupingKey } from '../../partition/grouping-key.ts';
import { duration } from '../duration.ts';
import { expression } from '../item-names.ts';
import { needsOf, statistic } from './statistics.ts';

const maxOverlap = 1_000;

export const Parameters = z
  .strictObject({
    size: duration.describe('The length of a window, in event time.'),
    every: duration.optional().describe('A window begins every so often; default `size`, so that windows do not overlap.'),
    group_by: z
      .array(z.string().min(1))
      .min(1)
      .default(['name', 'resource_id'])
      .describe('Each combination of these fields has windows of its own.'),
    compute: z.array(statistic).min(1).default(['mean']),
    value: expression
      .optional()
      .describe('What is counted in, an expression over the item. Default: the volume; 1 for an event.'),
    lateness: duration.prefault('0s').describe('How long, after its end, a window waits for items that come late.'),
    name: z
      .string()
      .min(1)
      .default('{name}.{statistic}')
      .describe('The name of what comes out; {name} is the meter or event type.'),
    unit: z.string().optional().describe('Default: the unit of the samples; 1 for count.'),
  })
  .transform((raw, context) => {
    const every = raw.every ?? raw.size;
    if (raw.size === 0 || every === 0)
      context.addIssue({ code: 'custom', message: 'size and every must be longer than nothing' });
    else if (every > raw.size)
      context.addIssue({
        code: 'custom',
        path: ['every'],
        message: 'every is longer than size: what falls between would be lost',
      });
    else if (raw.size / every > maxOverlap)
      context.addIssue({ code: 'custom', path: ['every'], message: `more than ${maxOverlap} windows would overlap` });
    const resource = raw.group_by.includes('resource_id') ? 'resource_id' : 'traits.resource_id';
    return {
      sizeMs: raw.size,
      everyMs: every,
      latenessMs: raw.lateness,
      groupBy: raw.group_by,
      group: compileGroupingKey(raw.group_by),
      resource: compileAttribute(resource),
      statistics: raw.compute,
      needs: needsOf(raw.compute),
      value: raw.value,
      name: raw.name,
      unit: raw.unit,
    };
  });
export type Parameters = z.infer<typeof Parameters>;
