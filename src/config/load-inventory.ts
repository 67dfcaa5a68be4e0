import { stat } from 'node:fs/promises';
import { type Inventory, mergeInventory } from '../core/liveness/inventory.ts';
import { type InventoryFile, InventorySchema } from '../core/liveness/inventory-schema.ts';
import type { InventorySource, SqlSource } from './agent-config.ts';
import { parseAt, plain } from './explain.ts';
import { fetchInventory } from './inventory-http.ts';
import { pipelineFiles } from './load-pipelines.ts';
import { ConfigError, type Problem } from './problem.ts';
import { readable, readYamlFile } from './read-file.ts';
import type { YamlDocument, YamlRead } from './yaml-document.ts';

/** From wherever it is. Throws one `ConfigError` with everything that is wrong in any of its files. */
export async function loadInventory(
  source: InventorySource,
  readRows: (
    source: SqlSource,
  ) => Promise<readonly { readonly kind: string; readonly name: string; readonly definition: unknown }[]>,
): Promise<Inventory> {
  if (source.kind === 'sql') return fromRows(source, await readRows(source));
  const problems: Problem[] = [];
  const documents: YamlDocument[] = [];
  const parsed: InventoryFile[] = [];
  for (const read of await readAll(source, problems)) {
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

/** Of a database: what is wrong is told with its address and the path in what the rows say. */
function fromRows(
  { url }: SqlSource,
  rows: readonly { readonly kind: string; readonly name: string; readonly definition: unknown }[],
): Inventory {
  const shown = new URL(url);
  shown.password = '';
  const problems: Problem[] = [];
  const refuse = (path: readonly PropertyKey[], message: string) =>
    problems.push({ file: shown.href, line: 0, column: 0, path: path.join('.'), message, hint: null });
  const whole: Record<string, Record<string, unknown>> = { templates: {}, groups: {}, hosts: {} };
  for (const { kind, name, definition } of rows) {
    const names = whole[`${kind}s`];
    if (names === undefined) refuse([name], `kind ${JSON.stringify(kind)}, expected template, group or host`);
    else if (Object.hasOwn(names, name)) refuse([`${kind}s`, name], 'comes twice');
    else names[name] = definition ?? {};
  }
  const parsed = InventorySchema.safeParse(whole);
  for (const { path, message } of parsed.error?.issues ?? []) refuse(path, message);
  const merged = parsed.success ? mergeInventory([parsed.data]) : null;
  for (const { path, message } of merged?.problems ?? []) refuse(path, message);
  if (merged === null || problems.length > 0) throw new ConfigError(problems);
  return merged.inventory;
}

async function readAll(source: Exclude<InventorySource, SqlSource>, problems: Problem[]): Promise<readonly YamlRead[]> {
  if (source.kind === 'http') return [await fetchInventory(source.url, source.tokenFile)];
  const reads: YamlRead[] = [];
  for (const file of await filesOf(source.path, problems)) reads.push(await readYamlFile(file));
  return reads;
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
