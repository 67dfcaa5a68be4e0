import { stat } from 'node:fs/promises';
import { type Inventory, mergeInventory } from '../core/liveness/inventory.ts';
import { type InventoryFile, InventorySchema } from '../core/liveness/inventory-schema.ts';
import { parseAt, plain } from './explain.ts';
import { pipelineFiles } from './load-pipelines.ts';
import { ConfigError, type Problem } from './problem.ts';
import { readable, readYamlFile } from './read-file.ts';
import type { YamlDocument } from './yaml-document.ts';

/** All YAML files of a folder, or one file. Throws one `ConfigError` with everything that is wrong in any of them. */
export async function loadInventory(path: string): Promise<Inventory> {
  const problems: Problem[] = [];
  const documents: YamlDocument[] = [];
  const parsed: InventoryFile[] = [];
  for (const file of await filesOf(path, problems)) {
    const read = await readYamlFile(file);
    problems.push(...read.problems);
    if (read.document === null) continue;
    const value = plain(read.document.value) ?? {};
    const inventory = parseAt(InventorySchema, value, read.document, [], problems);
    if (inventory === undefined) continue;
    documents.push(read.document);
    parsed.push(inventory);
  }
  const merged = problems.length === 0 ? mergeInventory(parsed) : null;
  for (const { file, path: at, message } of merged?.problems ?? []) {
    const document = documents[file];
    if (document !== undefined) problems.push(document.problem(at, message));
  }
  if (merged === null || problems.length > 0) throw new ConfigError(problems);
  return merged.inventory;
}

async function filesOf(path: string, problems: Problem[]): Promise<readonly string[]> {
  try {
    if ((await stat(path)).isFile()) return [path];
  } catch (error) {
    problems.push({ file: path, line: 1, column: 1, path: '', message: `cannot be read: ${readable(error)}`, hint: null });
    return [];
  }
  const { files, problem } = await pipelineFiles(path);
  if (problem !== undefined) problems.push(problem);
  return files;
}
