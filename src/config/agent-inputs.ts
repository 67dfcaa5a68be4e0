import { isObject, type Json } from '../model/json.ts';
import type { InputConfig } from './agent-config.ts';
import { parseAt } from './explain.ts';
import type { Problem } from './problem.ts';
import type { Registries } from './registries.ts';
import { TargetName } from './sink-schema.ts';
import { nameAndParameters } from './sink-steps.ts';
import type { YamlDocument } from './yaml-document.ts';

/** The `inputs` list: `- kind: {…}`, with a `name` in the mapping when there are two of a kind. */
export function readInputs(
  entries: readonly Json[],
  document: YamlDocument,
  registries: Registries,
  problems: Problem[],
): InputConfig[] {
  const inputs: InputConfig[] = [];
  const taken = new Set<string>();
  for (const [i, entry] of entries.entries()) {
    const found = nameAndParameters(entry, ['inputs', i], registries.inputs, 'input', document, problems);
    const entryOfKind = found === undefined ? undefined : registries.inputs[found[0]];
    if (found === undefined || entryOfKind === undefined) continue;
    const { schema } = entryOfKind;
    const [kind, written] = found;
    const path = ['inputs', i, kind];
    const missing = entryOfKind.missing?.() ?? null;
    if (missing !== null) problems.push(document.problem(path, `${kind} ${missing.message}`, missing.hint, 'key'));
    const members = isObject(written) ? (({ name: _, ...rest }) => rest)(written) : written;
    const name =
      parseAt(TargetName, isObject(written) ? written['name'] : undefined, document, [...path, 'name'], problems) ?? kind;
    const parameters = parseAt(schema, members, document, path, problems, ['name']);
    if (taken.has(name))
      problems.push(document.problem(path, `two inputs are called "${name}"`, 'give one of them another `name`', 'key'));
    taken.add(name);
    if (parameters !== undefined) inputs.push({ kind, name, parameters });
  }
  return inputs;
}
