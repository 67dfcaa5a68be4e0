import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readable } from '../config/read-file.ts';
import type { TestFile } from './run-tests.ts';

const testName = /\.test\.ya?ml$/;
const sinkName = /^[^.].*\.ya?ml$/;

/**
 * The test files that paths name: of a folder all in it (not below it), of a sink the one beside it, of a test file itself. Returns a
 * sentence when a path names none.
 */
export async function findTests(paths: readonly string[]): Promise<readonly TestFile[] | string> {
  const found = new Map<string, TestFile>();
  for (const path of paths) {
    const files = await testsOf(path);
    if (typeof files === 'string') return files;
    for (const file of files) found.set(file, { file, sinkFile: await sinkBeside(file) });
  }
  return [...found.values()];
}

async function testsOf(path: string): Promise<readonly string[] | string> {
  try {
    if ((await stat(path)).isDirectory()) {
      const names = (await readdir(path)).filter((name) => sinkName.test(name) && testName.test(name)).sort();
      return names.length > 0 ? names.map((name) => join(path, name)) : `${path} holds no test (<sink>.test.yaml)`;
    }
  } catch (error) {
    return `${path}: ${readable(error)}`;
  }
  if (testName.test(path)) return [path];
  const beside = await firstThere([path.replace(/\.ya?ml$/, '.test.yaml'), path.replace(/\.ya?ml$/, '.test.yml')], path);
  return beside === undefined ? `${path} has no test beside it (${path.replace(/\.ya?ml$/, '')}.test.yaml)` : [beside];
}

/** The one that is not there is told when it is read. */
async function sinkBeside(file: string): Promise<string> {
  const yaml = file.replace(testName, '.yaml');
  return (await firstThere([yaml, file.replace(testName, '.yml')])) ?? yaml;
}

async function firstThere(candidates: readonly string[], not?: string): Promise<string | undefined> {
  for (const candidate of candidates) {
    if (candidate === not) continue;
    const there = await stat(candidate).then(
      () => true,
      () => false,
    );
    if (there) return candidate;
  }
  return undefined;
}
