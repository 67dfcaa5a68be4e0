import { z } from 'zod';

/**
 * What stands beside a publisher's own parameters in its mapping (`http: { url: …, on_full: spill }`): how its lane gathers batches
 * and what it does at its bound. These keys belong to no kind's schema; the configuration takes them out before the kind parses.
 */
export const LaneSchema = z.strictObject({
  on_full: z
    .enum(['suspend', 'spill', 'drop'])
    .default('suspend')
    .describe(
      'At the bound: `suspend` stops the partitions of the sink, `spill` moves to the local disk, `drop` drops and counts.',
    ),
  max_outbox_bytes: z
    .int()
    .min(1024)
    .default(64 * 1024 * 1024)
    .describe('The bound: how much may wait for this target.'),
  batch: z
    .strictObject({
      max_items: z.int().min(1).max(100_000).default(1000).describe('At most so many items.'),
      max_bytes: z
        .int()
        .min(1)
        .default(1024 * 1024)
        .describe('At most so many bytes as JSON Lines; a single larger item still goes, alone.'),
      linger_ms: z.int().min(0).default(0).describe('Wait so long for a batch to fill.'),
    })
    .prefault({}),
});
