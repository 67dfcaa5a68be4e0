import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readBounded } from '../../lib/read-bounded.ts';
import type { Problem } from '../problem.ts';
import { readable } from '../read-file.ts';

const maxBytes = 1024 * 1024;

export interface ConfTexts {
  readonly files: readonly { readonly file: string; readonly text: string }[];
  readonly problems: readonly Problem[];
}

/**
 * The files that oslo.config reads for the notification agent, in its order, as far as they are there: `ceilometer.conf`, then
 * `ceilometer-agent-notification.conf`, then `*.conf` of the two folders `….conf.d`, sorted.
 */
export async function readConfFiles(dir: string): Promise<ConfTexts> {
  const names = ['ceilometer.conf', 'ceilometer-agent-notification.conf'];
  const paths = names.map((name) => join(dir, name));
  for (const name of names) {
    const folder = join(dir, `${name}.d`);
    const found = await readdir(folder).catch(() => [] as string[]); // mostly there is none
    paths.push(
      ...found
        .filter((each) => each.endsWith('.conf'))
        .sort()
        .map((each) => join(folder, each)),
    );
  }
  const files: { file: string; text: string }[] = [];
  const problems: Problem[] = [];
  for (const file of paths) {
    const problem = (message: string) => problems.push({ file, line: 0, column: 0, path: '', message, hint: null });
    try {
      const bytes = await readBounded(file, maxBytes);
      if (bytes === null) problem(`larger than ${maxBytes} bytes`);
      else files.push({ file, text: Buffer.from(bytes).toString('utf8') });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') problem(`cannot be read: ${readable(error)}`);
    }
  }
  return { files, problems };
}
