import { z } from 'zod';

export const FileInputSchema = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe('A file of JSON Lines, or `-` for standard input. Relative paths are meant from the configuration file.'),
  follow: z.boolean().default(false).describe('Go on at the end, as `tail -F` does, over rotation and truncation.'),
  from: z
    .enum(['position', 'start'])
    .default('position')
    .describe('`position`: go on after the last settled line of the run before. `start`: read everything again.'),
  position_path: z
    .string()
    .min(1)
    .optional()
    .describe('Where the position is kept. Default: a file in the data directory, named by the path.'),
  max_line_bytes: z
    .int()
    .min(1024)
    .default(1024 * 1024)
    .describe('A longer line becomes a dead letter with its beginning; the next line goes on.'),
  prefetch: z.int().min(1).default(1000).describe('At most so many lines are in work at a time.'),
  poll_interval_ms: z.int().min(10).default(250).describe('How often to look for more at the end (`follow`).'),
});
export type FileInputParameters = z.output<typeof FileInputSchema>;
export const summary = 'Reads notifications from a file or standard input, one JSON object per line, and remembers the position.';
