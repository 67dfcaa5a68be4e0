import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigError, formatProblem } from '../../../src/config/problem.ts';

/** A folder with these files, by relative path. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ceilograph-config-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  return dir;
}

/** The problems a load ends with, one line each, without the folder. */
export async function problemsOf(load: Promise<unknown>, dir: string): Promise<string[]> {
  try {
    await load;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => formatProblem(problem).replaceAll(`${dir}/`, ''));
    throw error;
  }
  return [];
}
