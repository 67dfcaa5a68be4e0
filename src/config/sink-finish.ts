import type { Json } from '../model/json.ts';
import { hashOf, isPureJson } from './canonical.ts';
import { keysAt } from './explain.ts';
import type { Problem } from './problem.ts';
import type { SinkConfig, SinkOrder, SinkStep } from './sink-config.ts';
import { defaultMaxKeys } from './sink-schema.ts';
import { suggestion } from './suggest.ts';
import type { YamlDocument } from './yaml-document.ts';

/** A step with what it was made from. */
export interface HashedStep extends SinkStep {
  /** The parameters as written. */
  readonly written: Json;
  /** The text of an operator's own module. */
  readonly source: string | null;
  readonly use: string | null;
  readonly at: readonly PropertyKey[];
}

export type UnfinishedSink = Omit<SinkConfig, 'hash' | 'steps' | 'order'> & {
  readonly steps: readonly HashedStep[];
  readonly order: 'arrival' | 'event' | Extract<SinkOrder, { kind: 'event' }> | undefined;
};

const defaultLatenessMs = 5000;

/** The six of Ceilometer take items as they come while one agent reads one queue, as Ceilometer did; with several, as sorted as the rest. */
const compatTransformers = new Set(['accumulator', 'aggregator', 'arithmetic', 'rate_of_change', 'delta', 'unit_conversion']);

/** Checks what only shows when the parts are together, and fills in what depends on all of them. Problems are added; null if any. */
export function finishSink(
  sink: UnfinishedSink,
  document: YamlDocument,
  problems: Problem[],
  coordinated: boolean,
): SinkConfig | null {
  const before = problems.length;
  checkKinds(sink, document, problems);
  for (const [i, step] of sink.steps.entries()) {
    checkKeys(step, sink, document, problems);
    checkRewrites(step, sink.steps.slice(0, i), sink, document, problems);
    // Ceilometer loads what cannot work and fails sample by sample; its files are told so in a note, ours are refused.
    if (!sink.compat) problems.push(...ownProblems(step, document));
  }
  const stateful = sink.steps.find((step) => step.transformer.scope !== 'none');
  if (sink.direct === true && stateful !== undefined) {
    const message = `${stateful.name} keeps state, so this sink needs its topic`;
    problems.push(document.problem(['direct'], message, 'leave `direct` out'));
  }
  if (problems.length > before) return null;
  const order = orderOf(sink, coordinated);
  const steps = sink.steps.map(({ name, transformer, parameters }) => ({ name, transformer, parameters }));
  return { maxKeys: defaultMaxKeys, ...sink, steps, order, hash: sinkHash(sink, order) };
}

/** Each step must take what the one before it gives. */
function checkKinds(sink: UnfinishedSink, document: YamlDocument, problems: Problem[]): void {
  let kind = sink.from;
  let giver = 'this sink';
  for (const step of sink.steps) {
    if (!step.transformer.takes.includes(kind)) {
      problems.push(
        document.problem(step.at, `${step.name} takes ${step.transformer.takes.join(' and ')}, and ${giver} gives ${kind}`),
      );
      return;
    }
    kind = step.transformer.gives?.(step.parameters, kind) ?? kind;
    giver = step.name;
  }
}

// State of one key must live in one partition: else two agents would each keep half of it.
function checkKeys(step: HashedStep, sink: UnfinishedSink, document: YamlDocument, problems: Problem[]): void {
  const keys = step.transformer.scope === 'none' ? undefined : step.transformer.partitionKeys?.(step.parameters);
  if (keys === undefined) return;
  const outside = sink.partitionBy.filter((attribute) => !keys.includes(attribute));
  if (outside.length === 0) return;
  const written = document.root.children?.has('partition_by') === true;
  const hint =
    keys.length === 0 ? null : `write \`partition_by: [${keys.join(', ')}]\`${keys.length > 1 ? ' or some of these' : ''}`;
  const what = written ? 'partition_by' : `partition_by (by default [${sink.partitionBy.join(', ')}])`;
  const message = `${what} has ${outside.join(', ')}, which is not in the key of ${step.name}, expected a part of [${keys.join(', ')}]`;
  problems.push(document.problem(written ? ['partition_by'] : step.at, message, hint));
}

// A partition is chosen by the item as it comes in. What an earlier step rewrote is no longer what the partition was chosen by, and one key
// of the later step could be in several partitions.
function checkRewrites(
  step: HashedStep,
  before: readonly HashedStep[],
  sink: UnfinishedSink,
  document: YamlDocument,
  problems: Problem[],
): void {
  if (step.transformer.scope === 'none') return;
  for (const earlier of before) {
    const rewritten = earlier.transformer.rewrites?.(earlier.parameters) ?? [];
    const lost = sink.partitionBy.filter((attribute) =>
      rewritten.some((each) => attribute === each || attribute.startsWith(`${each}.`)),
    );
    if (lost.length === 0) continue;
    const message = `${step.name} keeps state by ${lost.join(', ')}, which ${earlier.name} before it rewrites, expected a partition_by that it leaves alone`;
    problems.push(document.problem(step.at, message, 'put the two into sinks of their own, or partition by another attribute'));
  }
}

function ownProblems(step: HashedStep, document: YamlDocument): Problem[] {
  const parameters = [...step.at, step.use === null ? step.name : 'parameters'];
  return (step.transformer.problems?.(step.parameters) ?? []).map((text) => {
    const ignored = ignoredParameter(text);
    if (ignored !== null) {
      const last = ignored.at(-1) ?? '';
      const hint = suggestion(last, keysAt(step.transformer.Parameters, ignored.slice(0, -1)));
      return document.problem([...parameters, ...ignored], `unknown key "${last}"`, hint, 'key');
    }
    const [, path, message] = /^([a-z_]+(?:\.[a-z_]+)*): (.*)$/s.exec(text) ?? [];
    return path === undefined
      ? document.problem(parameters, text)
      : document.problem([...parameters, ...path.split('.')], message ?? text);
  });
}

/** `unknown parameter target.foo is ignored`: the path, when a transformer of Ceilometer says so. */
export function ignoredParameter(text: string): string[] | null {
  const [, path] = /^unknown parameter (\S+) is ignored$/.exec(text) ?? [];
  return path === undefined ? null : path.split('.');
}

function orderOf(sink: UnfinishedSink, coordinated: boolean): SinkOrder {
  if (typeof sink.order === 'object') return sink.order;
  if (sink.order === 'arrival') return { kind: 'arrival' };
  if (sink.order === 'event') return { kind: 'event', latenessMs: defaultLatenessMs };
  const sorted = sink.steps.some(
    ({ name, transformer }) =>
      transformer.orderSensitive === true && (coordinated || (!sink.compat && !compatTransformers.has(name))),
  );
  return sorted ? { kind: 'event', latenessMs: defaultLatenessMs } : { kind: 'arrival' };
}

// Addresses and secrets of targets stay out: moving a target to another host must not stop a partition. Their names are in: an
// outbox belongs to a name.
function sinkHash(sink: UnfinishedSink, order: SinkOrder): string {
  return hashOf({
    version: 1,
    from: sink.from,
    sources: sink.sources.map((source) => source.match),
    partition_by: sink.partitionBy,
    partitions: sink.partitions,
    steps: sink.steps.map((step) => ({
      name: step.name,
      parameters: isPureJson(step.parameters) ? step.parameters : step.written,
      source: step.source,
    })),
    publish: sink.publish.map(({ kind, name }) => ({ kind, name })),
    order,
  });
}
