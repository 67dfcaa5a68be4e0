import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { ConfigError, formatProblem } from '../../../src/config/problem.ts';

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

/** A folder with these files, by relative path. It is there until the last test of the file has ended. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ceilograph-config-'));
  folders.push(dir);
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
