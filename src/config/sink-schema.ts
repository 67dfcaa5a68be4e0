import { z } from 'zod';

const sampleAttribute =
  /^(?:id|name|type|unit|source|user_id|user_name|project_id|project_name|resource_id|resource_metadata\.[^\s]+)$/;
const eventAttribute = /^(?:message_id|event_type|traits\.[^\s]+)$/;

/** `partition_by` of a sink: what may be named, by the kind of its items. */
export const partitionAttributes = {
  samples: {
    pattern: sampleAttribute,
    names: ['resource_id', 'name', 'project_id', 'user_id', 'source', 'resource_metadata.<key>'],
  },
  events: { pattern: eventAttribute, names: ['event_type', 'message_id', 'traits.<name>'] },
} as const;

export const SinkName = z
  .string()
  .regex(/^[a-z0-9_-]{1,64}$/, 'expected a name of lower-case letters, digits, `-` and `_`, at most 64');

const Patterns = z.array(z.string().min(1)).min(1);

/** Of one partition. */
export const defaultMaxKeys = 5_000_000;

const common = {
  sink: SinkName.describe('The name of the sink. It names its topic, its state and its metrics, so renaming it starts anew.'),
  from: z.enum(['samples', 'events']).describe('What the sink takes.'),
  match: Patterns.optional().describe(
    'Names of meters (or event types) to take, by Ceilometer\'s rules: `cpu`, `disk.*`, `"*"`, or only exclusions (`"!disk.*"`); names and exclusions do not mix.',
  ),
  sources: z
    .array(z.strictObject({ name: z.string().min(1).max(200), match: Patterns }))
    .min(1)
    .optional()
    .describe(
      'Several `match` lists instead of one, as in Ceilometer: an item is taken once for every list that lets it through.',
    ),
  partition_by: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'Items that agree in these attributes are handled by one agent, in order. Default: `[resource_id]` for samples, `[event_type]` for events. Must be part of the key of every transformer that keeps state.',
    ),
  partitions: z.int().min(1).max(1024).default(16).describe('How many shares there are to spread over the agents.'),
  order: z
    .union([
      z.enum(['arrival', 'event']),
      z.strictObject({
        event: z.strictObject({
          lateness_ms: z.int().min(0).max(3_600_000).default(5000).describe('How long to wait for an item that is behind.'),
        }),
      }),
    ])
    .optional()
    .describe(
      "`arrival`: as they come. `event`: sorted by their own time, per key, within the lateness. Default: `event` when a transformer of ours depends on order, and with several agents (`coordination`) when one of Ceilometer's does.",
    ),
  max_keys: z
    .int()
    .min(1)
    .default(defaultMaxKeys)
    .describe(
      'At so many keys with state in one partition it stands still and says so, and what comes waits in its topic: an agent that runs out of memory takes all its partitions along. Some 200 to 400 bytes a key.',
    ),
  direct: z
    .union([z.boolean(), z.literal('auto')])
    .default('auto')
    .describe('Without an internal topic: input to publisher. `auto`: when no transformer keeps state and coordination is off.'),
  record: z
    .string()
    .min(1)
    .optional()
    .describe('A folder that gets every entry as it is applied, for an exact replay (`replay --recorded`). Grows without bound.'),
};

/** The outer shape: lists of entries whose kinds are looked up in the registries. */
export const SinkOutline = z.strictObject({
  ...common,
  transform: z.array(z.unknown()).max(32).default([]),
  publish: z.array(z.unknown()).min(1, 'expected at least one publisher').max(16),
});

export const UseEntry = z.strictObject({
  use: z.string().min(1).describe('A module that exports `transformer`, relative to this file.'),
  parameters: z.unknown().optional().describe("As the module's own schema wants them."),
});

export const TargetName = z
  .string()
  .regex(/^[a-z0-9_-]{1,64}$/, 'expected a name of lower-case letters, digits, `-` and `_`, at most 64')
  .optional()
  .describe('Names the outbox of this publisher; needed when a sink has two of a kind. Default: its kind.');
