import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isObject } from '../model/json.ts';
import type { AgentConfig } from './agent-config.ts';
import { loadCeilometer, loadConf } from './ceilometer/load-ceilometer.ts';
import type { Note } from './ceilometer/note.ts';
import { type LoadedAgent, loadAgentWithOrigins } from './load-agent.ts';
import { inventoryLoader } from './load-inventory.ts';
import { loadSinkFiles, pipelineFiles } from './load-pipelines.ts';
import { openConverter, settingsUnder, standing } from './load-setup.ts';
import { ConfigError, type Problem } from './problem.ts';
import { readable, readYamlFile } from './read-file.ts';
import type { Environment } from './references.ts';
import { shipped } from './registries.ts';
import type { SinkConfig } from './sink-config.ts';
import { watchEnvironment } from './unknown-variables.ts';

export interface Checked {
  readonly problems: readonly Problem[];
  readonly sinks: readonly SinkConfig[];
  readonly notes: readonly Note[];
  /** What was not looked at, and what the definitions' compiler found odd. */
  readonly warnings: readonly string[];
  readonly agent: LoadedAgent | null;
  /** Every file and folder that was looked at. */
  readonly looked: readonly string[];
}

type Kind = 'agent' | 'sink' | 'sinks' | 'meters' | 'events' | 'ceilometer';

/**
 * Reads everything and collects what is wrong with any of it. Without paths: the agent's configuration and what it points to. A path is a
 * sink, an agent file, definitions, a folder of sinks, or one with Ceilometer's files; which it is shows in its content.
 */
export async function checkAll(paths: readonly string[], agentFile: string | null, environment: Environment): Promise<Checked> {
  const { env, unknown } = watchEnvironment(environment);
  const problems: Problem[] = [];
  const collect = async <T>(load: Promise<T>): Promise<T | null> => {
    try {
      return await load;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return null;
    }
  };
  // `check pipelines/*.yaml` names them too; `ceilograph test` reads them.
  const tests = paths.filter((path) => /\.test\.ya?ml$/.test(path));
  const others = paths.filter((path) => !tests.includes(path));
  const kinds = await Promise.all(others.map(async (path) => [await kindOf(path, problems), path] as const));
  const of = (kind: Kind) => kinds.filter((each) => each[0] === kind).map((each) => each[1]);
  const [givenAgent] = of('agent');
  const [theirFolder] = of('ceilometer');
  const conf = theirFolder === undefined ? null : await collect(loadConf(theirFolder));
  const agent = await collect(loadAgentWithOrigins(givenAgent ?? agentFile, env, {}, shipped, settingsUnder(conf, env)));
  const config = agent?.config ?? null;
  const everything = paths.length === 0 || of('agent').length === paths.length;

  const files = of('sink');
  const ownFolder = config?.pipelinesDir ?? (await folderBeside(givenAgent ?? agentFile));
  for (const folder of [...of('sinks'), ...(everything ? [ownFolder] : [])]) {
    const found = await pipelineFiles(folder);
    if (found.problem !== undefined) problems.push(found.problem);
    files.push(...found.files);
  }
  const sinks = (await collect(loadSinkFiles(files, { env, baseDir: config?.baseDir ?? '.' }))) ?? [];
  const notes: Note[] = [];
  const compat: SinkConfig[] = [];
  for (const folder of of('ceilometer')) {
    const coordinated = config !== null && config.coordination.kind !== 'off';
    const its = folder === theirFolder ? conf : await collect(loadConf(folder));
    const theirs = await collect(loadCeilometer(folder, { env, coordinated, baseDir: config?.baseDir ?? '.' }, its));
    if (theirs === null) continue;
    problems.push(...theirs.skipped, ...standing({ problems: theirs.refused }, agent?.origins ?? null));
    notes.push(...theirs.notes);
    compat.push(...theirs.sinks);
    const { meters, events } = theirs.definitions;
    if (config !== null && meters.length + events.length > 0) await collect(openConverter(config, theirs.definitions, 'pyyaml'));
  }
  const definitions = everything && config !== null ? config.definitions : { meters: of('meters'), events: of('events') };
  // Others are asked by a start.
  if (everything && config?.liveness?.inventory.kind === 'files')
    await collect(inventoryLoader(config.liveness.inventory, async () => [])());
  const warnings = await checkDefinitions(config, everything, definitions, collect);
  return {
    problems: problems.sort(byPlace),
    sinks: [...sinks, ...compat],
    notes,
    warnings: [
      ...tests.map((path) => `${path} is a test of a sink; ceilograph test runs it`),
      ...warnings,
      ...(everything ? unknown() : []),
    ],
    agent,
    looked: paths.length === 0 ? [config?.origin ?? 'defaults', ...files] : [...paths],
  };
}

/** Where the sinks are when the agent's file is at fault: they are checked all the same. */
async function folderBeside(agentFile: string | null): Promise<string> {
  if (agentFile === null) return 'pipelines';
  const value = (await readYamlFile(agentFile)).document?.value;
  const named = isObject(value ?? null) ? (value as { pipelines?: unknown }).pipelines : undefined;
  return resolve(dirname(agentFile), typeof named === 'string' ? named : 'pipelines');
}

async function checkDefinitions(
  config: AgentConfig | null,
  everything: boolean,
  definitions: AgentConfig['definitions'],
  collect: <T>(load: Promise<T>) => Promise<T | null>,
): Promise<readonly string[]> {
  const wanted = everything || definitions.meters.length + definitions.events.length > 0;
  if (config === null || !wanted) return [];
  return (await collect(openConverter(config, definitions)))?.warnings ?? [];
}

const isCeilometer = new Set(['pipeline.yaml', 'event_pipeline.yaml']);

async function kindOf(path: string, problems: Problem[]): Promise<Kind | null> {
  const refuse = (message: string, hint: string | null = null): null => {
    problems.push({ file: path, line: 1, column: 1, path: '', message, hint });
    return null;
  };
  try {
    if ((await stat(path)).isDirectory()) return await folderKind(path);
  } catch (error) {
    return refuse(`cannot be read: ${readable(error)}`);
  }
  const { document, problems: found } = await readYamlFile(path);
  if (document === null) {
    problems.push(...found);
    return null;
  }
  const { value } = document;
  if (isObject(value)) {
    if (Object.hasOwn(value, 'sink') || Object.hasOwn(value, 'publish')) return 'sink';
    if (Object.hasOwn(value, 'metric')) return 'meters';
    if (Object.hasOwn(value, 'sources') && Object.hasOwn(value, 'sinks'))
      return refuse(
        'this is a file of Ceilometer',
        `check its folder, or print it as sinks: ceilograph import ceilometer ${path.replace(/[^/]*$/, '') || '.'}`,
      );
    return 'agent';
  }
  return Array.isArray(value) ? 'events' : refuse('is neither a sink, an agent file nor definitions');
}

async function folderKind(path: string): Promise<Kind> {
  const conf = await stat(join(path, 'ceilometer.conf')).catch(() => null); // not there, or not ours to read
  if (conf !== null) return 'ceilometer';
  for (const name of isCeilometer) {
    const read = await readYamlFile(join(path, name), 'pyyaml');
    const value = read.document?.value;
    // A native sink may be called pipeline.yaml too.
    if (isObject(value) && Object.hasOwn(value, 'sources') && !Object.hasOwn(value, 'sink')) return 'ceilometer';
    if (read.document === null && !read.problems.some((problem) => problem.message.startsWith('cannot be read')))
      return 'ceilometer';
  }
  const parts = [basename(path)];
  if (parts.includes('meters') || parts.includes('meters.d')) return 'meters';
  return parts.includes('events') ? 'events' : 'sinks';
}

function byPlace(a: Problem, b: Problem): number {
  return a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column;
}
