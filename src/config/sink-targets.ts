import type { z } from 'zod';
import { isObject, type Json } from '../model/json.ts';
import { LaneSchema } from '../publishers/registry.ts';
import { parseAt, plain } from './explain.ts';
import type { Problem } from './problem.ts';
import { resolveReferences } from './references.ts';
import type { SinkTarget } from './sink-config.ts';
import type { SinkContext } from './sink-context.ts';
import { TargetName } from './sink-schema.ts';
import { nameAndParameters } from './sink-steps.ts';
import type { YamlDocument } from './yaml-document.ts';

/** What stands in a publisher's mapping beside the parameters of its kind. */
const CommonSchema = LaneSchema.extend({ name: TargetName });
type Common = z.output<typeof CommonSchema>;

/** The `publish` list: `- kind: {…}`, the kind's own parameters and the common ones in one mapping. */
export async function readTargets(
  entries: readonly Json[],
  document: YamlDocument,
  context: SinkContext,
  problems: Problem[],
): Promise<SinkTarget[]> {
  const targets: SinkTarget[] = [];
  const taken = new Map<string, number>();
  for (const [i, entry] of entries.entries()) {
    const found = nameAndParameters(entry, ['publish', i], context.registries.publishers, 'publisher', document, problems);
    if (found === undefined) continue;
    const [kind, written] = found;
    const path = ['publish', i, kind];
    const resolved = await resolveReferences(plain(written), document, path, { ...context, problems });
    const made = makeTarget(kind, resolved, document, path, context, problems);
    if (made === undefined) continue;
    const other = taken.get(made.name);
    if (other !== undefined) {
      const message = `two publishers are called "${made.name}" (the other is publish.${other})`;
      problems.push(document.problem(path, message, 'give one of them another `name`', 'key'));
    }
    taken.set(made.name, i);
    targets.push(made);
  }
  return targets;
}

/** One target from its mapping: the common keys are taken out, the kind's schema parses the rest. */
export function makeTarget(
  kind: string,
  value: unknown,
  document: YamlDocument,
  path: readonly PropertyKey[],
  context: Pick<SinkContext, 'registries'>,
  problems: Problem[],
): SinkTarget | undefined {
  const entry = context.registries.publishers[kind];
  if (entry === undefined) return undefined;
  const missing = entry.missing?.() ?? null;
  if (missing !== null) problems.push(document.problem(path, `${kind} ${missing.message}`, missing.hint, 'key'));
  const members = isObject(value as Json) ? Object.entries(value as object) : null;
  const isCommon = ([key]: [string, unknown]) => Object.hasOwn(CommonSchema.shape, key);
  const common: Common | undefined = parseAt(
    CommonSchema,
    Object.fromEntries(members?.filter(isCommon) ?? []),
    document,
    path,
    problems,
  );
  const own = members === null ? value : Object.fromEntries(members.filter((member) => !isCommon(member)));
  const parameters = parseAt(entry.schema, own, document, path, problems, Object.keys(CommonSchema.shape));
  if (common === undefined || parameters === undefined) return undefined;
  return {
    kind,
    name: common.name ?? kind,
    parameters,
    onFull: common.on_full,
    maxOutboxBytes: common.max_outbox_bytes,
    batch: {
      maxItems: common.batch.max_items ?? entry.batch.maxItems,
      maxBytes: common.batch.max_bytes ?? entry.batch.maxBytes,
      lingerMs: common.batch.linger_ms,
    },
  };
}
