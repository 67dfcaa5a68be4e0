import { z } from 'zod';

/**
 * What every publisher takes besides its own parameters: how its lane gathers batches and what it does at its bound. Each schema spreads
 * this shape, so that an operator writes one flat mapping (`http: { url: …, on_full: spill }`).
 */
export const laneShape = {
  on_full: z
    .enum(['suspend', 'spill', 'drop'])
    .default('suspend')
    .describe(
      'At the bound: `suspend` stops the partitions of the sink, `spill` moves to the local disk, `drop` drops and counts.',
    ),
  outbox_bytes: z
    .int()
    .min(1024)
    .default(64 * 1024 * 1024)
    .describe('The bound: how much may wait for this target.'),
  batch_items: z.int().min(1).max(100_000).default(500).describe('At most so many items in one batch.'),
  batch_bytes: z
    .int()
    .min(1)
    .default(1024 * 1024)
    .describe('At most so many bytes (as JSON Lines) in one batch; a single larger item still goes, alone.'),
  retry_cap_ms: z.int().min(1).default(30_000).describe('The longest pause between two tries.'),
  max_attempts: z
    .int()
    .min(1)
    .optional()
    .describe('After so many failed tries the items become dead letters. Without it a target that is away is tried for ever.'),
  hold_after_ms: z
    .int()
    .min(0)
    .default(1000)
    .describe('Direct sinks: items that the target did not take for so long are held on the local disk and count as accepted.'),
};

const Lane = z.object(laneShape);
export type LaneParameters = z.output<typeof Lane>;

/** The lane's share of a publisher's parsed parameters. */
export function laneParameters(parameters: unknown): LaneParameters {
  return Lane.parse(parameters);
}
