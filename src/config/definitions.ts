import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DefinitionFile } from '../core/convert/meters.ts';
import { isObject, type Json } from '../model/json.ts';
import { ConfigError, type Problem } from './problem.ts';
import { readable, readText, toYaml } from './read-file.ts';
import type { YamlDocument } from './yaml-document.ts';
import type { YamlDialect } from './yaml-scalar.ts';

/** Files or folders; of a folder its `*.yaml`, sorted by name. */
export interface DefinitionPaths {
  readonly meters: readonly string[];
  readonly events: readonly string[];
}

export interface Definitions {
  readonly meters: readonly DefinitionFile[];
  readonly events: readonly DefinitionFile[];
}

/** What was read for each path, not yet looked at. */
export interface DefinitionTexts {
  readonly meters: readonly FileText[];
  readonly events: readonly FileText[];
}

interface FileText {
  readonly file: string;
  readonly text: string | Problem;
}

/**
 * Reads meter definitions (`metric:` and a list) and event definitions (a list), in the order of the paths: of meters the earlier file
 * wins, of events the later one. Ceilometer's own files are in the dialect `pyyaml`. Throws a ConfigError with every problem of
 * every file; whether the definitions make sense is for `createConverter` to say.
 */
export async function readDefinitions(paths: DefinitionPaths, dialect: YamlDialect = 'yaml-1.2'): Promise<Definitions> {
  return parseDefinitions(await readDefinitionTexts(paths), dialect);
}

/** Never throws: what cannot be read is told by `parseDefinitions`. */
export async function readDefinitionTexts(paths: DefinitionPaths): Promise<DefinitionTexts> {
  return { meters: await readAll(paths.meters), events: await readAll(paths.events) };
}

/** Throws as `readDefinitions`. */
export function parseDefinitions(texts: DefinitionTexts, dialect: YamlDialect): Definitions {
  const problems: Problem[] = [];
  const meters = parseAll(texts.meters, 'meters', dialect, problems);
  const events = parseAll(texts.events, 'events', dialect, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return { meters, events };
}

type Kind = 'meters' | 'events';

async function readAll(paths: readonly string[]): Promise<FileText[]> {
  const texts: FileText[] = [];
  for (const path of paths) {
    const files = await filesOf(path);
    if (!Array.isArray(files)) texts.push({ file: path, text: files });
    else for (const file of files) texts.push({ file, text: await readText(file) });
  }
  return texts;
}

function parseAll(texts: readonly FileText[], kind: Kind, dialect: YamlDialect, problems: Problem[]): DefinitionFile[] {
  const files: DefinitionFile[] = [];
  for (const { file, text } of texts) {
    const read = toYaml(text, file, dialect);
    problems.push(...read.problems);
    const definitions = read.document === null ? undefined : definitionsOf(read.document, kind, problems);
    if (definitions !== undefined) files.push(definitions);
  }
  return files;
}

async function filesOf(path: string): Promise<string[] | Problem> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => name.endsWith('.yaml')).sort();
    return names.map((name) => join(path, name));
  } catch (error) {
    return { file: path, line: 0, column: 0, path: '', message: `cannot be read: ${readable(error)}`, hint: null };
  }
}

function definitionsOf(document: YamlDocument, kind: Kind, problems: Problem[]): DefinitionFile | undefined {
  const { value, file } = document;
  const list = kind === 'events' ? value : isObject(value) && Object.hasOwn(value, 'metric') ? value['metric'] : null;
  const path = kind === 'events' ? [] : ['metric'];
  if (!Array.isArray(list)) {
    const expected =
      kind === 'events' ? 'expected a list of event definitions' : 'expected `metric:` and a list of meter definitions';
    problems.push(document.problem(path, expected, otherKind(value, kind)));
    return undefined;
  }
  const place = (index: number) => {
    const { line, column } = document.locate([...path, index]);
    return `${line}:${column}`;
  };
  return { file, definitions: list as readonly Json[], place };
}

function otherKind(value: Json, kind: Kind): string | null {
  if (kind === 'events' && isObject(value) && Object.hasOwn(value, 'metric')) return 'these are meter definitions';
  return kind === 'meters' && Array.isArray(value) ? 'these are event definitions' : null;
}
