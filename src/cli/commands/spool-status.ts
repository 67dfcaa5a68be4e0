import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { AgentConfig } from '../../config/agent-config.ts';
import type { SpoolerStatus } from '../../core/spool/status.ts';

export interface SpoolOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: true;
}

/** The status that the spooler wrote last; null: none has run yet. Throws what is wrong with the file. */
export async function readStatusOf(config: AgentConfig): Promise<SpoolerStatus | null> {
  const file = resolve(config.dataDir, config.spooler?.status_file ?? 'log/mknotifyd.status');
  const text = await readFile(`${file}.json`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? null : (JSON.parse(text) as SpoolerStatus);
}
