import { isAbsolute, join, resolve } from 'node:path';
import type { ItemKind } from '../../model/item.ts';
import type { LoadOptions } from '../load-pipelines.ts';
import { ConfigError, type Problem } from '../problem.ts';
import { readYamlFile } from '../read-file.ts';
import { shipped } from '../registries.ts';
import type { SinkConfig } from '../sink-config.ts';
import { readYaml, type YamlRead } from '../yaml-document.ts';
import { type CeilometerConf, readConf } from './conf.ts';
import { readConfFiles } from './conf-files.ts';
import { type DefinitionPaths, definitionsIn, exists } from './definition-files.ts';
import { ManagerRefused, readManager } from './manager.ts';
import type { NativeSink } from './native-sink.ts';
import type { Note } from './note.ts';
import { bareSite } from './site.ts';

export interface CeilometerConfig {
  readonly sinks: readonly SinkConfig[];
  /** The native form of each sink, by its name, for `import`. */
  readonly natives: ReadonlyMap<string, NativeSink>;
  readonly notes: readonly Note[];
  /** Why a file was skipped; the agent runs with the other one, as Ceilometer did. */
  readonly skipped: readonly Problem[];
  /** What keeps an agent from starting. */
  readonly refused: readonly Problem[];
  /** The definitions that lie beside the pipelines; empty: those that come with the product. */
  readonly definitions: DefinitionPaths;
}

/** `ceilometer.conf` and what it is merged from; null: the folder has none. */
export async function loadConf(dir: string): Promise<CeilometerConf | null> {
  const { files, problems } = await readConfFiles(dir);
  if (problems.length > 0) throw new ConfigError(problems);
  return files.length === 0 ? null : readConf(files, resolve(dir));
}

interface PipelineFile {
  readonly file: string;
  readonly from: ItemKind;
  /** What Ceilometer takes when the file is not there. */
  readonly standard: string;
  readonly wanted: boolean;
}

function pipelineFiles(dir: string, conf: CeilometerConf | null): readonly PipelineFile[] {
  const place = (path: string) => (isAbsolute(path) ? path : join(dir, path));
  const standard = (field: string, publisher: string) =>
    `sources: [{ name: ${field}_source, ${field}s: ["*"], sinks: [${field}_sink] }]\nsinks: [{ name: ${field}_sink, publishers: ["${publisher}"] }]\n`;
  return [
    {
      file: place(conf?.files.pipeline ?? 'pipeline.yaml'),
      from: 'samples',
      standard: standard('meter', 'gnocchi://'),
      wanted: conf?.pipelines.samples ?? true,
    },
    {
      file: place(conf?.files.eventPipeline ?? 'event_pipeline.yaml'),
      from: 'events',
      standard: standard('event', 'notifier://'),
      wanted: conf?.pipelines.events ?? true,
    },
  ];
}

/**
 * `pipeline.yaml` and `event_pipeline.yaml` of a folder, unchanged, with the rules they had in Ceilometer: a file that cannot be loaded is skipped as a
 * whole, and beside a `ceilometer.conf` one that is not there is what Ceilometer takes then. Throws a `ConfigError` when nothing is left to run.
 */
export async function loadCeilometer(
  dir: string,
  options: LoadOptions = {},
  conf: CeilometerConf | null = null,
): Promise<CeilometerConfig> {
  const context = {
    registries: options.registries ?? shipped,
    env: options.env ?? process.env,
    baseDir: resolve(options.baseDir ?? '.'),
    secrets: options.secrets ?? new Set<string>(),
    coordinated: options.coordinated ?? false,
  };
  const given = { sinks: context, site: conf?.site ?? bareSite, dir: resolve(dir), partitions: conf?.partitions ?? 16 };
  const sinks: SinkConfig[] = [];
  const natives = new Map<string, NativeSink>();
  const notes: Note[] = [...(conf?.notes ?? [])];
  const skipped: Problem[] = [];
  const refused: Problem[] = [...(conf?.problems ?? [])];
  for (const each of pipelineFiles(dir, conf)) {
    if (!each.wanted) continue;
    const read = await readPipelineFile(each, conf !== null, notes);
    if (read === null) continue;
    const [fault] = read.problems;
    if (read.document === null || fault !== undefined) {
      if (fault !== undefined) skipped.push(fault);
      continue;
    }
    try {
      const result = readManager(read.document, each.from, given);
      notes.push(...result.notes);
      refused.push(...result.stopped);
      const taken = new Set(sinks.map((sink) => sink.sink));
      for (const { config, native } of result.sinks) {
        const sink = apart(config, taken);
        sinks.push(sink);
        natives.set(sink.sink, native);
      }
    } catch (error) {
      if (!(error instanceof ManagerRefused)) throw error;
      skipped.push(error.problem);
    }
  }
  for (const problem of skipped)
    notes.push({
      file: problem.file,
      line: problem.line,
      level: 'ignored',
      text: `the whole file, as Ceilometer does: ${problem.message}`,
    });
  if (sinks.length === 0) {
    const why = notes.filter((note) => note.level === 'ignored' && note.sink !== undefined).map((note) => asProblem(note));
    const message = 'nothing to run: no sink of pipeline.yaml or event_pipeline.yaml can be used';
    throw new ConfigError([{ file: dir, line: 0, column: 0, path: '', message, hint: null }, ...refused, ...skipped, ...why]);
  }
  return { sinks, natives, notes, skipped, refused, definitions: await definitionsIn(dir, conf) };
}

async function readPipelineFile({ file, from, standard }: PipelineFile, whole: boolean, notes: Note[]): Promise<YamlRead | null> {
  if (await exists(file)) return await readYamlFile(file, 'pyyaml');
  if (!whole) {
    notes.push({
      file,
      line: 1,
      level: 'ignored',
      text: `not there, and without a ceilometer.conf beside it no ${from} are published`,
    });
    return null;
  }
  const target = from === 'samples' ? 'gnocchi://' : 'notifier://';
  notes.push({ file, line: 1, level: 'took', text: `not there: all ${from} go to ${target}, as with Ceilometer's own file` });
  return readYaml(standard, file, 'pyyaml');
}

/** Both files may use one name; here it names a topic. */
function apart(sink: SinkConfig, taken: ReadonlySet<string>): SinkConfig {
  let name = sink.sink;
  while (taken.has(name)) name = `event-${name}`;
  return name === sink.sink ? sink : { ...sink, sink: name };
}

function asProblem({ file, line, text }: Note): Problem {
  return { file, line, column: 1, path: '', message: text, hint: null };
}
