import { z } from 'zod';
import { TlsFiles } from '../../model/tls-files.ts';

export const RedisStreamSchema = z.strictObject({
  url: z
    .url({ protocol: /^rediss?$/ })
    .describe('`redis://host:6379/0`, with TLS `rediss://`. User and password may stand in it.'),
  password_file: z.string().min(1).optional().describe('A file with the password; wins over the one in the URL.'),
  stream: z
    .string()
    .min(1)
    .default('ceilograph')
    .describe('The key of the stream. Each entry has the fields `id` and `item` (its JSON line).'),
  max_length: z.int().min(1).optional().describe('Trim the stream to about so many entries. Without it: never.'),
  timeout_ms: z.int().min(1).default(10_000).describe('How long Redis may take to answer.'),
  tls: TlsFiles.optional(),
});
export type RedisStreamParameters = z.output<typeof RedisStreamSchema>;
export const summary = 'Adds every item to a Redis stream. Repeated ones come again under the same `id`.';
