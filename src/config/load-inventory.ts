import { stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Inventory, mergeInventory } from '../core/liveness/inventory.ts';
import { type InventoryFile, InventorySchema } from '../core/liveness/inventory-schema.ts';
import { stableId } from '../model/stable-hash.ts';
import type { InventorySource, SqlSource } from './agent-config.ts';
import { parseAt, plain } from './explain.ts';
import { fetchInventory } from './inventory-http.ts';
import { pipelineFiles } from './load-pipelines.ts';
import { ConfigError, type Problem } from './problem.ts';
import { readable, readText, toYaml } from './read-file.ts';

type Rows = readonly { readonly kind: string; readonly name: string; readonly definition: unknown }[];
type ReadRows = (source: SqlSource) => Promise<Rows>;

/**
 * Loads it from wherever it is, as often as it is called: the same object while the same is written there, since reading a hundred thousand hosts
 * takes ten seconds in which an agent does nothing else. Throws one `ConfigError` with everything that is wrong in any of its files.
 */
export function inventoryLoader(source: InventorySource, readRows: ReadRows): () => Promise<Inventory> {
  let known: { readonly print: string; readonly inventory: Inventory } | null = null;
  const once = async (print: string, read: () => Inventory | Promise<Inventory>) => {
    if (known?.print !== print) known = { print, inventory: await read() };
    return known.inventory;
  };
  return async () => {
    if (source.kind === 'sql') {
      const rows = await readRows(source);
      return once(stableId([JSON.stringify(rows)]), () => fromRows(source, rows));
    }
    const written = await readAll(source);
    return once(stableId(written.flatMap(({ file, text }) => [file, JSON.stringify(text)])), () => fromFiles(written));
  };
}

/** What stands in a file, or why that cannot be said. */
interface Written {
  readonly file: string;
  readonly text: string | Problem;
}

async function fromFiles(written: readonly Written[]): Promise<Inventory> {
  const problems: Problem[] = [];
  const parsed: { readonly written: Written; readonly inventory: InventoryFile }[] = [];
  for (const each of written) {
    const inventory = parsedFile(each, problems);
    if (inventory !== undefined) parsed.push({ written: each, inventory });
    await nextTurn();
  }
  const merged = problems.length === 0 ? mergeInventory(parsed.map(({ inventory }) => inventory)) : null;
  for (const { file, path, message } of merged?.problems ?? []) {
    // Where it stands is only known to the document, which takes fifty times the memory of what it says, so it was not kept.
    const { written } = parsed[file] as (typeof parsed)[number];
    const { document } = toYaml(written.text, written.file, 'yaml-1.2');
    if (document !== null) problems.push(document.problem(path, message));
  }
  if (merged === null || problems.length > 0) throw new ConfigError(problems);
  return merged.inventory;
}

function parsedFile({ file, text }: Written, problems: Problem[]): InventoryFile | undefined {
  const read = toYaml(text, file, 'yaml-1.2');
  problems.push(...read.problems);
  if (read.document === null) return undefined;
  return parseAt(InventorySchema, plain(read.document.value) ?? {}, read.document, [], problems);
}

/** Of a database: what is wrong is told with its address and the path in what the rows say. */
function fromRows({ url }: SqlSource, rows: Rows): Inventory {
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

async function readAll(source: Exclude<InventorySource, SqlSource>): Promise<readonly Written[]> {
  if (source.kind === 'http') return [await fetchInventory(source.url, source.tokenFile)];
  const { files, problem } = await filesOf(source.path);
  if (problem !== undefined) return [{ file: source.path, text: problem }];
  return Promise.all(files.map(async (file) => ({ file, text: await readText(file) })));
}

async function filesOf(path: string): ReturnType<typeof pipelineFiles> {
  try {
    if ((await stat(path)).isFile()) return { files: [path] };
  } catch (error) {
    const message = `cannot be read: ${readable(error)}`;
    return { files: [], problem: { file: path, line: 1, column: 1, path: '', message, hint: null } };
  }
  return pipelineFiles(path);
}
