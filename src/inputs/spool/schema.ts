import { z } from 'zod';

export const SpoolInputSchema = z
  .strictObject({
    prefetch: z.int().min(1).default(1000).describe('At most so many notifications are in work at a time.'),
  })
  .describe('What the spooler of this site took from others');
export type SpoolInputParameters = z.output<typeof SpoolInputSchema>;
export const summary = 'What the `spooler` of this site took from other sites, or was spooled here for local delivery.';
