import { z } from 'zod';
import { isLoopback } from '../../lib/loopback.ts';

export const HttpInputSchema = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('The address to listen on.'),
    port: z.int().min(0).max(65_535).default(8086).describe('The port; 0 takes any free one.'),
    token_file: z.string().min(1).optional().describe('A file with the bearer token every request must carry. Read at start.'),
    allow_anonymous: z.boolean().default(false).describe('Listen beyond this machine without a token.'),
    allowed_hosts: z
      .array(z.string().min(1))
      .default([])
      .describe('Host names a request may address besides the loopback ones (protection against DNS rebinding).'),
    tls: z
      .strictObject({
        cert_file: z.string().min(1).describe('Our certificate chain (PEM).'),
        key_file: z.string().min(1).describe('Its key (PEM).'),
        client_ca_file: z.string().min(1).optional().describe('Demand a client certificate of this authority (PEM).'),
      })
      .optional(),
    body_limit_bytes: z
      .int()
      .min(1024)
      .default(8 * 1024 * 1024)
      .describe('The largest request body, and the largest after decompression.'),
    max_notifications: z.int().min(1).default(10_000).describe('The most notifications one request may carry.'),
    max_requests: z.int().min(1).default(64).describe('At most so many requests at a time; more are told 429.'),
    max_decompression_ratio: z.int().min(1).default(100).describe('A gzip body that grows more than this many times is refused.'),
    prefetch: z.int().min(1).default(1000).describe('At most so many notifications are in work at a time, over all requests.'),
    room_timeout_ms: z.int().min(0).default(5_000).describe('How long a request waits for room before it is told 429.'),
    settle_timeout_ms: z
      .int()
      .min(1)
      .default(30_000)
      .describe('How long a request waits until its notifications are durable before it is told 503.'),
    request_timeout_ms: z.int().min(1).default(30_000).describe('How long a client may take to send its request.'),
  })
  .refine((http) => isLoopback(http.host) || http.token_file !== undefined || http.allow_anonymous, {
    path: ['host'],
    error: 'listening beyond this machine needs `token_file` (or `allow_anonymous: true`)',
  });
export type HttpInputParameters = z.output<typeof HttpInputSchema>;
export const summary =
  'Takes notifications by `POST /v1/notifications` (a JSON object, a JSON array, or JSON Lines); 202 means durable.';
