import { access, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { LoadOptions } from '../load-pipelines.ts';
import { ConfigError, type Problem } from '../problem.ts';
import { readYamlFile } from '../read-file.ts';
import { shipped } from '../registries.ts';
import type { SinkConfig } from '../sink-config.ts';
import { ManagerRefused, readManager } from './manager.ts';
import type { NativeSink } from './native-sink.ts';
import type { Note } from './note.ts';

export interface CeilometerConfig {
  readonly sinks: readonly SinkConfig[];
  /** The native form of each sink, by its name, for `import`. */
  readonly natives: ReadonlyMap<string, NativeSink>;
  readonly notes: readonly Note[];
  /** Why a file was skipped; the agent runs with the other one, as Ceilometer did. */
  readonly skipped: readonly Problem[];
  /** The definitions that lie beside the pipelines; empty: those that come with the product. */
  readonly definitions: { readonly meters: readonly string[]; readonly events: readonly string[] };
}

const files = [
  { name: 'pipeline.yaml', from: 'samples' },
  { name: 'event_pipeline.yaml', from: 'events' },
] as const;

/**
 * `pipeline.yaml` and `event_pipeline.yaml` of a folder, unchanged, with the rules they had in Ceilometer: a file that cannot be loaded is skipped as a
 * whole. Throws a `ConfigError` when nothing is left to run.
 */
export async function loadCeilometer(dir: string, options: LoadOptions = {}): Promise<CeilometerConfig> {
  const context = {
    registries: options.registries ?? shipped,
    env: options.env ?? process.env,
    baseDir: resolve(options.baseDir ?? '.'),
    secrets: options.secrets ?? new Set<string>(),
    coordinated: options.coordinated ?? false,
  };
  const sinks: SinkConfig[] = [];
  const natives = new Map<string, NativeSink>();
  const notes: Note[] = [];
  const skipped: Problem[] = [];
  for (const { name, from } of files) {
    const file = join(dir, name);
    if (!(await exists(file))) {
      notes.push({
        file,
        line: 1,
        level: 'ignored',
        text: `not there; Ceilometer would take its own, which publishes all ${from} to Gnocchi or the bus`,
      });
      continue;
    }
    const read = await readYamlFile(file, 'pyyaml');
    const [refused] = read.problems;
    if (read.document === null || refused !== undefined) {
      if (refused !== undefined) skipped.push(refused);
      continue;
    }
    try {
      const result = readManager(read.document, from, context);
      notes.push(...result.notes);
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
    const why = notes.filter((note) => note.level === 'ignored').map((note) => asProblem(note));
    const message = 'nothing to run: no sink of pipeline.yaml or event_pipeline.yaml can be used';
    throw new ConfigError([{ file: dir, line: 0, column: 0, path: '', message, hint: null }, ...why]);
  }
  return { sinks, natives, notes, skipped, definitions: await definitionsIn(dir) };
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

async function definitionsIn(dir: string): Promise<CeilometerConfig['definitions']> {
  const meters: string[] = [];
  const folder = join(dir, 'meters.d');
  if (await exists(folder))
    meters.push(
      ...(await readdir(folder))
        .filter((name) => name.endsWith('.yaml'))
        .sort()
        .map((name) => join(folder, name)),
    );
  if (meters.length === 0 && (await exists(join(dir, 'meters.yaml')))) meters.push(join(dir, 'meters.yaml'));
  const events = join(dir, 'event_definitions.yaml');
  return { meters: meters.map((file) => resolve(file)), events: (await exists(events)) ? [resolve(events)] : [] };
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
