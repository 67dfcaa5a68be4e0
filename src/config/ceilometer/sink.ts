import type { ItemKind } from '../../model/item.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { parseAt } from '../explain.ts';
import type { Problem } from '../problem.ts';
import type { SinkConfig, SinkTarget } from '../sink-config.ts';
import type { SinkContext } from '../sink-context.ts';
import { defaultPartitionBy } from '../sink-file.ts';
import { finishSink, type HashedStep, ignoredParameter } from '../sink-finish.ts';
import { makeTarget } from '../sink-targets.ts';
import type { YamlDocument } from '../yaml-document.ts';
import type { NativeSink } from './native-sink.ts';
import type { Note } from './note.ts';
import { mapPublisherUrl } from './publisher-url.ts';
import { escapeSinkName } from './sink-name.ts';
import type { Site } from './site.ts';
import { shownUrl } from './transport-url.ts';
import { withoutParameter } from './without-parameter.ts';

type Path = readonly PropertyKey[];

export interface CompatSink {
  readonly sink: JsonObject;
  readonly name: string;
  readonly from: ItemKind;
  readonly path: Path;
  readonly document: YamlDocument;
  readonly context: SinkContext;
  readonly sources: readonly { readonly name: string; readonly match: readonly string[] }[];
  readonly note: (path: Path, level: Note['level'], text: string) => void;
  /** Ends the reading of the whole file. */
  readonly refuse: (path: Path, message: string) => never;
  /** Keeps the agent from starting. */
  readonly stop: (problem: Problem) => void;
  readonly site: Site;
  /** The folder of the files. */
  readonly dir: string;
  /** Of sinks that need more than one. */
  readonly partitions: number;
}

export interface BuiltSink {
  readonly config: SinkConfig;
  /** The same sink as its native file would say it. */
  readonly native: NativeSink;
}

/** One sink of Ceilometer's files. Null when none of its publishers is there: then nobody would get what it computes. */
export function buildCompatSink(given: CompatSink): BuiltSink | null {
  const { sink, name, from, path, document, note, refuse, context } = given;
  for (const key of Object.keys(sink))
    if (!['name', 'publishers', 'transformers'].includes(key))
      note([...path, key], 'ignored', `Ceilometer does not read ${key} of a sink`);
  const targets = readPublishers(given);
  const steps = readTransformers(given);
  if (targets.length === 0) {
    note(path, 'ignored', `the sink ${name} as a whole: none of its publishers is there, so nobody would get what it computes`);
    return null;
  }
  if (from === 'events' && steps.length > 0) note([...path, 'transformers'], 'ignored', 'Ceilometer does not transform events');
  const effective = from === 'events' ? [] : steps;
  const whole = effective.find((step) => step.transformer.scope === 'partition');
  if (whole !== undefined)
    note(
      path,
      'changed',
      `one partition for ${name}: what ${whole.name} gives depends on all resources together, so they stay together`,
    );
  const problems: Problem[] = [];
  const escaped = escapeSinkName(name);
  if (escaped !== name) note([...path, 'name'], 'changed', `the sink ${name} is called ${escaped} here`);
  const finished = finishSink(
    {
      sink: escaped,
      from,
      sources: given.sources.map(({ name, match }) => ({ name, match })),
      partitionBy: defaultPartitionBy[from],
      partitions: whole === undefined ? given.partitions : 1,
      steps: effective,
      publish: targets.map(({ target }) => target),
      // One agent takes them as they come, as Ceilometer did; several listeners give no order between them.
      order: context.coordinated ? undefined : 'arrival',
      direct: 'auto',
      record: null,
      compat: true,
      origin: `${document.file}:${document.locate(path).line}`,
    },
    document,
    problems,
    context.coordinated,
  );
  const [first] = problems;
  if (first !== undefined || finished === null) return refuse(path, first?.message ?? 'cannot be run');
  note(path, 'took', `the sink ${name}: ${describeSink(finished)}`);
  const native: NativeSink = {
    name,
    file: document.file,
    line: document.locate(path).line,
    from,
    sources: finished.sources,
    partitionBy: finished.partitionBy,
    partitions: finished.partitions,
    order: context.coordinated ? null : 'arrival',
    transform: effective.map((step) => [step.name, step.written]),
    publish: targets.map(({ target, written }) => [target.kind, written]),
  };
  return { config: finished, native };
}

function describeSink(sink: SinkConfig): string {
  const steps = sink.steps.length === 0 ? '' : `${sink.steps.map((step) => step.name).join(', ')} → `;
  return `${steps}${sink.publish.map((target) => target.name).join(', ')}`;
}

interface Published {
  readonly target: SinkTarget;
  readonly written: Readonly<Record<string, unknown>>;
}

function readPublishers({ sink, from, path, document, context, note, refuse, stop, site, dir }: CompatSink): Published[] {
  const urls = sink['publishers'];
  if (!Array.isArray(urls) || urls.length === 0) return refuse([...path, 'publishers'], 'no publisher specified');
  const targets: Published[] = [];
  for (const [i, url] of urls.entries()) {
    const at = [...path, 'publishers', i];
    if (typeof url !== 'string') return refuse(at, 'a publisher is a URL');
    const shown = shownUrl(url);
    const mapped = mapPublisherUrl(url, { from, env: context.env, site, dir });
    if ('refused' in mapped) {
      stop(document.problem(at, `the publisher ${shown}: ${mapped.refused}`, mapped.hint));
      continue;
    }
    if ('leftOut' in mapped || !Object.hasOwn(context.registries.publishers, mapped.kind)) {
      note(at, 'ignored', `the publisher ${shown}: ${'leftOut' in mapped ? mapped.leftOut : `no publisher ${mapped.kind} here`}`);
      continue;
    }
    const same = targets.filter(({ target }) => target.kind === mapped.kind).length;
    const name = same === 0 ? mapped.kind : `${mapped.kind}-${same + 1}`;
    const problems: Problem[] = [];
    const written = same === 0 ? mapped.value : { ...mapped.value, name };
    const target = makeTarget(mapped.kind, written, document, at, context, problems);
    if (target === undefined) {
      note(at, 'ignored', `the publisher ${shown}: ${problems.map((problem) => problem.message).join(', ')}`);
      continue;
    }
    for (const change of mapped.changes) note(at, 'changed', `${shown}: ${change}`);
    targets.push({ target, written });
  }
  return targets;
}

function readTransformers({ sink, path, document, context, note, refuse }: CompatSink): HashedStep[] {
  const list = sink['transformers'] ?? [];
  if (!Array.isArray(list)) return refuse([...path, 'transformers'], 'transformers is not a list');
  return list.map((entry: Json, i) => {
    const at = [...path, 'transformers', i];
    if (!isObject(entry)) return refuse(at, 'a transformer is a mapping of name and parameters');
    if (!Object.hasOwn(entry, 'parameters')) return refuse(at, 'required field parameters not specified');
    const name = String(entry['name'] ?? '');
    const transformer = compatNames.has(name) ? context.registries.transformers[name] : undefined;
    if (transformer === undefined) return refuse(at, `no transformer named ${name} loaded`);
    let written: Json = entry['parameters'] || {};
    const parse = () => {
      const problems: Problem[] = [];
      const parameters = parseAt(transformer.Parameters, written, document, [...at, 'parameters'], problems);
      const [first] = problems;
      return first === undefined
        ? parameters
        : refuse([...at, 'parameters'], `${name}: ${first.path.slice(formatted.length)}${first.message}`);
    };
    const formatted = `${[...at, 'parameters'].join('.')}.`;
    let parameters = parse();
    for (const text of transformer.problems?.(parameters) ?? []) {
      const ignored = ignoredParameter(text);
      if (ignored !== null) written = withoutParameter(written, ignored);
      note([...at, 'parameters', ...(ignored ?? [])], ignored === null ? 'changed' : 'ignored', `${name}: ${text}`);
    }
    parameters = parse();
    return { name, transformer, parameters, written, source: null, use: null, at };
  });
}

const compatNames = new Set(['accumulator', 'aggregator', 'arithmetic', 'rate_of_change', 'delta', 'unit_conversion']);
