import { z } from 'zod';
import { TlsFiles } from '../../model/tls-files.ts';

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name');
const headerValue = z.string().regex(/^[^\r\n\0]*$/, 'a header value has no line breaks');

export const HttpSchema = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }).describe('Where to POST. User and password may stand in it (Basic authentication).'),
    format: z
      .enum(['array', 'ndjson'])
      .default('array')
      .describe('The body: one JSON array per batch, or JSON Lines (`application/x-ndjson`).'),
    headers: z.record(headerName, headerValue).default({}).describe('More request headers.'),
    bearer_file: z
      .string()
      .optional()
      .describe('A file with the bearer token; read before every request, so that it may be rotated.'),
    timeout_ms: z.int().min(1).default(10_000).describe('How long one request may take.'),
    tls: TlsFiles.optional(),
  })
  .describe('POST to a web server');
export type HttpParameters = z.output<typeof HttpSchema>;
export const summary = 'POSTs batches to a web server, with an Idempotency-Key that stays the same over retries.';
