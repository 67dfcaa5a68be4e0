import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigError, type Problem } from './problem.ts';
import { readable, readYamlFile } from './read-file.ts';
import type { Environment, Secrets } from './references.ts';
import { type Registries, shipped } from './registries.ts';
import type { SinkConfig } from './sink-config.ts';
import { readSink } from './sink-file.ts';

export interface LoadOptions {
  readonly env?: Environment;
  /** Where relative paths of `record` are meant from. Default: the working directory. */
  readonly baseDir?: string;
  readonly registries?: Registries;
  /** Collects what came from `${env:…}` and `${file:…}`, so that it can be masked. */
  readonly secrets?: Secrets;
  /** The sinks run with several agents. Default: false. */
  readonly coordinated?: boolean;
}

/**
 * All sinks of a folder (`*.yaml`, `*.yml`, not below it, not `*.test.yaml`), in the order of their names. Throws one `ConfigError` with
 * every problem of every file.
 */
export async function loadPipelines(dir: string, options: LoadOptions = {}): Promise<SinkConfig[]> {
  const { files, problem } = await pipelineFiles(dir);
  return await loadSinkFiles(files, options, problem === undefined ? [] : [problem]);
}

export async function pipelineFiles(dir: string): Promise<{ readonly files: string[]; readonly problem?: Problem }> {
  const failed = (message: string) => ({ files: [], problem: { file: dir, line: 1, column: 1, path: '', message, hint: null } });
  try {
    if (!(await stat(dir)).isDirectory()) return failed('is not a folder, expected the folder of the sinks');
    const names = (await readdir(dir)).filter((name) => /^[^.].*\.ya?ml$/.test(name) && !/\.test\.ya?ml$/.test(name));
    return { files: names.sort().map((name) => join(dir, name)) };
  } catch (error) {
    return failed(`cannot be read: ${readable(error)}`);
  }
}

export async function loadSinkFiles(
  files: readonly string[],
  options: LoadOptions = {},
  problems: Problem[] = [],
): Promise<SinkConfig[]> {
  const context = {
    registries: options.registries ?? shipped,
    env: options.env ?? process.env,
    baseDir: resolve(options.baseDir ?? '.'),
    secrets: options.secrets ?? new Set<string>(),
    coordinated: options.coordinated ?? false,
  };
  const sinks: SinkConfig[] = [];
  const origins = new Map<string, string>();
  for (const file of files) {
    const read = await readYamlFile(file);
    problems.push(...read.problems);
    // A document with a refused part is still looked at: its other faults are told too.
    if (read.document === null) continue;
    const sink = await readSink(read.document, context, problems);
    const name = (read.document.value as { sink?: unknown } | null)?.sink;
    if (typeof name === 'string') {
      const other = origins.get(name);
      const message = `the sink "${name}" is also in ${other}`;
      if (other !== undefined) problems.push(read.document.problem(['sink'], message, 'names are unique over all files'));
      else origins.set(name, `${file}:${read.document.locate(['sink']).line}`);
    }
    if (sink !== null) sinks.push(sink);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return sinks;
}
