import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { compileSourceFilter } from '../core/route/source-filter.ts';
import { Fault } from '../model/faults.ts';
import { isObject, type Json } from '../model/json.ts';
import { parseAt, plain, withoutEmpty } from './explain.ts';
import type { Problem } from './problem.ts';
import type { SinkConfig, SinkSource } from './sink-config.ts';
import type { SinkContext } from './sink-context.ts';
import { finishSink, type HashedStep } from './sink-finish.ts';
import { partitionAttributes, SinkOutline } from './sink-schema.ts';
import { readSteps } from './sink-steps.ts';
import { readTargets } from './sink-targets.ts';
import type { YamlDocument } from './yaml-document.ts';

/** One native sink file. What is wrong with it is added to `problems`, all of it; then the result is null. */
export async function readSink(document: YamlDocument, context: SinkContext, problems: Problem[]): Promise<SinkConfig | null> {
  const found: Problem[] = [];
  const outline = parseAt(SinkOutline, withoutEmpty(plain(document.value)), document, [], found);
  const raw: Readonly<Record<string, Json>> = isObject(document.value) ? document.value : {};
  // The lists are looked at even when the outline has faults, so that one run shows everything.
  const steps: HashedStep[] = await readSteps(
    asList(raw['transform']),
    document,
    context.registries,
    dirname(document.file),
    found,
  );
  const targets = await readTargets(asList(raw['publish']), document, context, found);
  const sources = outline === undefined ? [] : readSources(outline, document, found);
  if (outline !== undefined) checkPartitionBy(outline.from, outline.partition_by, document, found);
  let sink: SinkConfig | null = null;
  if (outline !== undefined && found.length === 0) {
    sink = finishSink(
      {
        sink: outline.sink,
        from: outline.from,
        sources,
        partitionBy: outline.partition_by ?? defaultPartitionBy[outline.from],
        partitions: outline.partitions,
        steps,
        publish: targets,
        order: typeof outline.order === 'object' ? { kind: 'event', latenessMs: outline.order.event.lateness_ms } : outline.order,
        maxKeys: outline.max_keys,
        direct: outline.direct,
        record: outline.record === undefined ? null : resolve(context.baseDir, outline.record),
        compat: false,
        origin: `${document.file}:${document.root.at.line}`,
      },
      document,
      found,
      context.coordinated,
    );
  }
  problems.push(...found);
  return found.length === 0 ? sink : null;
}

export const defaultPartitionBy = { samples: ['resource_id'], events: ['event_type'] } as const;

function asList(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function readSources(outline: z.output<typeof SinkOutline>, document: YamlDocument, problems: Problem[]): SinkSource[] {
  const { sink, match, sources } = outline;
  if (match === undefined && sources === undefined) {
    problems.push(document.problem(['match'], 'missing, expected a list of names', 'for everything: `match: ["*"]`'));
    return [];
  }
  if (match !== undefined && sources !== undefined)
    problems.push(document.problem(['sources'], '`match` stands here too, expected one of the two', null, 'key'));
  if (match !== undefined) checkMatch(match, ['match'], document, problems);
  for (const [i, source] of (sources ?? []).entries()) checkMatch(source.match, ['sources', i, 'match'], document, problems);
  return sources ?? [{ name: sink, match: match ?? [] }];
}

/** Ceilometer's rules for patterns, said at the line where they are broken. */
function checkMatch(match: readonly string[], path: readonly PropertyKey[], document: YamlDocument, problems: Problem[]): void {
  try {
    compileSourceFilter(match);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    problems.push(document.problem(path, error.message));
  }
}

function checkPartitionBy(
  from: 'samples' | 'events',
  given: readonly string[] | undefined,
  document: YamlDocument,
  problems: Problem[],
): void {
  const { pattern, names } = partitionAttributes[from];
  for (const [i, attribute] of (given ?? []).entries()) {
    if (pattern.test(attribute)) continue;
    problems.push(document.problem(['partition_by', i], `${from} have no "${attribute}"`, `there is: ${names.join(', ')}`));
  }
}
