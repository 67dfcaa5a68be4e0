import { z } from 'zod';

// Of hosts that are expected to report, in the manner of overview.ts.

export const HostShape = z
  .object({
    host: z.string(),
    address: z.string(),
    groups: z.array(z.string()),
    parents: z.array(z.string()),
    status: z.enum(['pending', 'ok', 'unreachable', 'maintenance', 'problem']),
    since: z.string(),
    reason: z.string(),
    incident: z.string().nullable(),
    flapping: z.boolean(),
    maintainedUntil: z.string().nullable(),
    told: z.string().nullable().describe('How it is told of while it is down: held, attached, silenced, told, stormed.'),
    services: z.array(
      z.object({
        service: z.string(),
        intervalSeconds: z.number(),
        toleranceSeconds: z.number(),
        silentSeconds: z.number().nullable(),
        lateSince: z.string().nullable(),
      }),
    ),
    triggers: z.array(z.object({ trigger: z.string(), severity: z.string(), firedSince: z.string().nullable() })),
  })
  .meta({ id: 'Host' });
export type HostNow = z.infer<typeof HostShape>;

export const HostQuery = z.object({
  limit: z.coerce.number().int().min(1).max(10_000).default(100).describe('At most so many.'),
  status: HostShape.shape.status.optional(),
  group: z.string().optional(),
  troubled: z.literal('true').optional().describe('Only those that are not `ok`, the worst first.'),
});

export const HostListShape = z
  .object({
    total: z.int().describe('All hosts.'),
    byStatus: z.record(z.string(), z.int()),
    byGroup: z.record(z.string(), z.record(z.string(), z.int())).describe('Per first group, how many of each status.'),
    items: z.array(HostShape),
  })
  .meta({ id: 'HostList' });
export type HostList = z.infer<typeof HostListShape>;
