import { z } from 'zod';
import { compileExpression } from '../expression/expression.ts';
import { duration } from '../transformers/duration.ts';

/** Names stand in keys, subjects and lists. */
const Name = z
  .string()
  .regex(/^[\p{L}\p{N}_.:/@ -]{1,200}$/u, 'expected a name of letters, digits, spaces and any of _ . : / @ -, at most 200')
  .refine((name) => name !== '__proto__', 'expected another name')
  .refine((name) => name.trim() === name, 'expected no space at its ends');

const expression = z.string().superRefine((text, context) => {
  try {
    const { problems } = compileExpression(text);
    for (const message of problems) context.addIssue({ code: 'custom', message });
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
  }
});

const ServiceSchema = z.strictObject({
  interval: duration.optional().describe('How often it reports. Default: 60s.'),
  tolerance: duration.optional().describe('How much later a report may come. Default: 10s.'),
  down_after: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('So many reports must be missing before it takes its host down; the first one missing makes it late. Default: 1.'),
  enabled: z.boolean().optional().describe('`false`: not expected of this host.'),
});

const TriggerSchema = z.strictObject({
  service: Name.describe('Whose reports it looks at.'),
  expression: expression.describe('Over the data of a report; true fires it.'),
  recovery: expression.optional().describe('True clears it. Without one it clears once `expression` is false.'),
  severity: z.string().min(1).max(40).default('warning').describe('Said along with it.'),
  enabled: z.boolean().default(true),
});

const Services = z.record(Name, z.union([ServiceSchema, z.null().transform(() => ({}))]));
const Names = z.array(Name).max(100).default([]);

const WindowSchema = z.strictObject({
  from: z.iso.datetime({ offset: true, error: 'expected a time such as 2026-11-21T20:00:00Z' }).describe('When it begins.'),
  until: z.iso.datetime({ offset: true, error: 'expected a time such as 2026-11-21T22:00:00Z' }).describe('When it is over.'),
  reason: z.string().max(200).default('planned'),
});

const HostSchema = z.strictObject({
  address: z.string().max(253).default('').describe('Where it can be reached; only told.'),
  groups: Names.describe('Its groups. The first one is its place in storms.'),
  templates: Names.describe('Templates of its own, after those of its groups.'),
  parents: Names.describe('Hosts it is reached through. While all of them are down, it is not told by itself.'),
  services: Services.default({}).describe('What is different here; the last word.'),
  triggers: z.record(Name, TriggerSchema).default({}),
  maintenance: z.array(WindowSchema).max(100).default([]).describe('Windows in which nothing is told.'),
  enabled: z.boolean().default(true).describe('`false`: as if it were not here.'),
});

/** One file of an inventory, or all of it. */
export const InventorySchema = z.strictObject({
  templates: z
    .record(Name, z.strictObject({ services: Services.default({}), triggers: z.record(Name, TriggerSchema).default({}) }))
    .default({})
    .describe('What is expected of a kind of host.'),
  groups: z
    .record(Name, z.strictObject({ templates: Names, enabled: z.boolean().default(true) }))
    .default({})
    .describe('Hosts that belong together, and the templates of all of them.'),
  hosts: z
    .record(Name, z.union([HostSchema, z.null().transform(() => HostSchema.parse({}))]))
    .default({})
    .describe('Everybody who is expected to report.'),
});

export type InventoryFile = z.output<typeof InventorySchema>;
