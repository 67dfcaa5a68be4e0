import { z } from 'zod';
import { TlsFiles } from '../../model/tls-files.ts';

export const RedisListsSchema = z.strictObject({
  url: z
    .url({ protocol: /^rediss?$/ })
    .describe('`redis://host:6379/0`, with TLS `rediss://`. User and password may stand in it.'),
  password_file: z.string().min(1).optional().describe('A file with the password; wins over the one in the URL.'),
  prefix: z.string().max(100).default('StatusData_').describe('How the keys begin: `<prefix><host>_<service>_latest`.'),
  poll_ms: z.int().min(500).max(60_000).default(3_000).describe('How often the newest element of each list is looked at.'),
  discover_ms: z.int().min(1_000).max(3_600_000).default(30_000).describe('How often new lists are looked for.'),
  timeout_ms: z.int().min(1).default(10_000).describe('How long Redis may take to answer.'),
  tls: TlsFiles.optional(),
});
export type RedisListsParameters = z.output<typeof RedisListsSchema>;
export const summary =
  'Reports of hosts from lists in Redis, `StatusData_<host>_<service>_latest`, where agents of crazymonitor write them.';
