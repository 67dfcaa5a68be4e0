import { z } from 'zod';
import { TlsFiles } from '../model/tls-files.ts';

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not a header name');
const headerValue = z.string().regex(/^[^\r\n\0]*$/, 'a header value has no line breaks');

/** What every publisher over HTTP lets an operator say about the connection. */
export const httpTarget = {
  headers: z.record(headerName, headerValue).default({}).describe('More request headers.'),
  bearer_file: z
    .string()
    .optional()
    .describe('A file with the bearer token; read before every request, so that it may be rotated.'),
  timeout_ms: z.int().min(1).default(10_000).describe('How long one request may take.'),
  tls: TlsFiles.optional(),
} as const;

export const httpUrl = () => z.url({ protocol: /^https?$/ });

export interface HttpTarget {
  readonly headers: Readonly<Record<string, string>>;
  readonly bearer_file?: string | undefined;
  readonly timeout_ms: number;
  readonly tls?: TlsFiles | undefined;
}
