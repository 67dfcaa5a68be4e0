import { z } from 'zod';

export const SpoolSchema = z
  .strictObject({
    deliver: z
      .enum(['remote', 'local', 'both'])
      .default('remote')
      .describe('`remote`: the spooler sends it to the sink. `local`: the input `spool` of this site gets it. `both`.'),
    data_dir: z.string().min(1).optional().describe("Where the spool is. Without it: the agent's `data_dir`."),
  })
  .describe('To another site, by the spooler');
export type SpoolParameters = z.output<typeof SpoolSchema>;
export const summary = 'Spools notifications on disk; the `spooler` brings them to another site, or to the inputs of this one.';
