import { compileSourceFilter } from '../../core/route/source-filter.ts';
import { Fault } from '../../model/faults.ts';
import type { ItemKind } from '../../model/item.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Problem } from '../problem.ts';
import type { SinkContext } from '../sink-context.ts';
import type { YamlDocument } from '../yaml-document.ts';
import type { Note } from './note.ts';
import { type BuiltSink, buildCompatSink } from './sink.ts';
import type { Site } from './site.ts';

export interface ManagerResult {
  readonly sinks: readonly BuiltSink[];
  readonly notes: readonly Note[];
  /** What keeps the agent from starting. */
  readonly stopped: readonly Problem[];
}

/** Ceilometer would not load the file: the whole of it is skipped, for the first reason found. */
export class ManagerRefused extends Error {
  override readonly name = 'ManagerRefused';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

interface Source {
  readonly name: string;
  readonly match: readonly string[];
  readonly sinks: readonly string[];
  readonly index: number;
}

/** What the two files are read with, beside themselves. */
export interface ManagerContext {
  readonly sinks: SinkContext;
  readonly site: Site;
  /** The folder of Ceilometer's files. */
  readonly dir: string;
  /** Of sinks that need more than one. */
  readonly partitions: number;
}

/** `pipeline.yaml` (samples) or `event_pipeline.yaml` (events) by Ceilometer's rules. Throws `ManagerRefused`. */
export function readManager(document: YamlDocument, from: ItemKind, given: ManagerContext): ManagerResult {
  const { sinks: context, site, dir, partitions } = given;
  const notes: Note[] = [];
  const stopped: Problem[] = [];
  const note = (path: readonly PropertyKey[], level: Note['level'], text: string, sink?: string) =>
    notes.push({ file: document.file, line: document.locate(path).line, level, text, ...(sink === undefined ? {} : { sink }) });
  const refuse = (path: readonly PropertyKey[], message: string): never => {
    throw new ManagerRefused(document.problem(path, message));
  };
  const root = document.value;
  if (!isObject(root) || !('sources' in root) || !('sinks' in root)) return refuse([], 'both sources and sinks are required');
  const field = from === 'samples' ? 'meters' : 'events';
  const sources = mappings(root, 'sources', refuse).map((source, i) => readSource(source, i));
  const sinkMappings = mappings(root, 'sinks', refuse);
  unique(sources, 'sources', 'source');
  unique(
    sinkMappings.map((sink, i) => ({ name: nameOf(sink, ['sinks', i]) })),
    'sinks',
    'sink',
  );

  // A sink is built even when no source feeds it: in Ceilometer too its faults keep the whole file from loading.
  const feeds = new Map<string, Source[]>(sinkMappings.map((sink) => [sink['name'] as string, []]));
  for (const source of sources) {
    for (const [i, name] of source.sinks.entries()) {
      const list =
        feeds.get(name) ?? refuse(['sources', source.index, 'sinks', i], `dangling sink ${name} from source ${source.name}`);
      if (list.includes(source)) refuse(['sources', source.index, 'sinks', i], `duplicate pipeline name: ${source.name}:${name}`);
      list.push(source);
    }
  }
  const sinks: BuiltSink[] = [];
  for (const [i, sink] of sinkMappings.entries()) {
    const name = sink['name'] as string;
    const fed = feeds.get(name) ?? [];
    const built = buildCompatSink({
      sink,
      name,
      from,
      path: ['sinks', i],
      document,
      context,
      note: (...told) => note(...told, name),
      refuse,
      sources: fed,
      stop: (problem) => stopped.push(problem),
      site,
      dir,
      partitions,
    });
    if (built === null) continue;
    if (fed.length === 0) note(['sinks', i], 'ignored', `no source feeds the sink ${name}`);
    else sinks.push(built);
  }
  // Ceilometer walks its pipelines source by source.
  const rank = ({ config }: BuiltSink) => sources.findIndex((source) => config.sources.some((each) => each.name === source.name));
  return { sinks: sinks.sort((a, b) => rank(a) - rank(b)), notes, stopped };

  function readSource(source: JsonObject, index: number): Source {
    const path = ['sources', index];
    const name = nameOf(source, path);
    for (const required of ['sinks', field])
      if (!Object.hasOwn(source, required)) refuse(path, `required field ${required} not specified`);
    const names = source['sinks'];
    if (!Array.isArray(names) || names.length === 0) return refuse([...path, 'sinks'], `no sink defined in source ${name}`);
    for (const key of Object.keys(source))
      if (!['name', 'sinks', field].includes(key)) note([...path, key], 'ignored', `Ceilometer does not read ${key} of a source`);
    return { name, match: readPatterns(source[field] ?? null, [...path, field]), sinks: names.map(String), index };
  }

  function readPatterns(value: Json, path: readonly PropertyKey[]): string[] {
    if (typeof value === 'string')
      note(
        path,
        'changed',
        `a text instead of a list: Ceilometer takes its characters one by one, and so "${value}" matches nothing it says`,
      );
    const patterns = typeof value === 'string' ? [...value] : Array.isArray(value) ? value : [];
    if (patterns.length === 0) return refuse(path, `no ${field} specified`);
    const texts = patterns.map((pattern, i) =>
      typeof pattern === 'string' && pattern !== '' ? pattern : refuse([...path, i], `a name of ${field} is a text`),
    );
    try {
      compileSourceFilter(texts);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return refuse(path, error.message);
    }
    return texts;
  }

  function nameOf(mapping: JsonObject, path: readonly PropertyKey[]): string {
    const { name } = mapping;
    if (name === undefined || name === null) return refuse(path, 'required field name not specified');
    return String(name);
  }

  function unique(named: readonly { readonly name: string }[], list: string, what: string): void {
    const seen = new Set<string>();
    for (const [i, { name }] of named.entries()) {
      if (seen.has(name)) refuse([list, i, 'name'], `duplicated ${what} names: ${name}`);
      seen.add(name);
    }
  }
}

function mappings(root: JsonObject, key: string, refuse: (path: readonly PropertyKey[], message: string) => never): JsonObject[] {
  const list = root[key];
  if (!Array.isArray(list)) return refuse([key], `${key} is not a list`);
  return list.map((each, i) => (isObject(each) ? each : refuse([key, i], `an entry of ${key} is not a mapping`)));
}
