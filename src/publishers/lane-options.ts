import { z } from 'zod';

/** How much a publisher takes at once unless the operator says otherwise. */
export interface BatchSize {
  readonly maxItems: number;
  readonly maxBytes: number;
}

/** What a remote target can be expected to take in one request. */
export const requestSized: BatchSize = { maxItems: 1000, maxBytes: 1024 * 1024 };
/** Every local write is made durable by itself, so few large ones are cheaper. */
export const writeSized: BatchSize = { maxItems: 20_000, maxBytes: 8 * 1024 * 1024 };

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
      max_items: z
        .int()
        .min(1)
        .max(100_000)
        .optional()
        .describe('At most so many items. Without it: 1000, for `file` and `stdout` 20000.'),
      max_bytes: z
        .int()
        .min(1)
        .optional()
        .describe(
          'At most so many bytes as JSON Lines (of `amqp` as messages); a single larger item still goes, alone. Without it: 1 MiB, for `file` and `stdout` 8 MiB.',
        ),
      linger_ms: z.int().min(0).default(0).describe('Wait so long for a batch to fill.'),
    })
    .prefault({}),
});
