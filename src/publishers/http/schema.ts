import { z } from 'zod';
import { httpTarget, httpUrl } from '../http-target.ts';

export const HttpSchema = z
  .strictObject({
    url: httpUrl().describe('Where to POST. User and password may stand in it (Basic authentication).'),
    format: z
      .enum(['array', 'ndjson', 'item'])
      .default('array')
      .describe(
        'The body: one JSON array per batch, JSON Lines (`application/x-ndjson`), or one request per item with the bare object.',
      ),
    raw_only: z
      .boolean()
      .default(false)
      .describe(
        'Of events only the payload of the notification they came from (`store_raw` keeps it); events without one are passed over.',
      ),
    ...httpTarget,
  })
  .describe('POST to a web server');
export type HttpParameters = z.output<typeof HttpSchema>;
export const summary = 'POSTs batches to a web server, with an Idempotency-Key that stays the same over retries.';
