import { z } from 'zod';

export const FileSchema = z.strictObject({
  path: z.string().min(1).describe('Where to write. Folders are made. Relative paths are meant from the configuration file.'),
  format: z
    .enum(['json', 'ceilometer', 'python'])
    .default('json')
    .describe(
      "One object per line. `json`: the wire models. `ceilometer`: as Ceilometer's `file://…?json`, which differs for events. `python`: as its " +
        '`file://` without `json`, the text of a Python dict.',
    ),
  sync: z
    .enum(['batch', 'none'])
    .default('batch')
    .describe(
      '`batch`: on disk before it counts as accepted. `none`: faster, and what the system had not written is lost with the power.',
    ),
  max_bytes: z.int().min(1).optional().describe('Rotate before the file would grow beyond so many bytes. Without it: never.'),
  backup_count: z.int().min(1).max(999).default(5).describe('How many rotated files (`.1` is the newest) to keep.'),
});
export type FileParameters = z.output<typeof FileSchema>;
export const summary = 'Appends every item as one JSON line to a file, synced per batch, with rotation.';
