import { resolve } from 'node:path';
import type { AnyTransformer } from '../core/transformers/transformer.ts';
import { isObject, type Json } from '../model/json.ts';
import { describe, parseAt, plain } from './explain.ts';
import { loadOwnTransformer } from './own-transformer.ts';
import type { Problem } from './problem.ts';
import type { Registries } from './registries.ts';
import type { HashedStep } from './sink-finish.ts';
import { UseEntry } from './sink-schema.ts';
import { suggestion } from './suggest.ts';
import type { YamlDocument } from './yaml-document.ts';

/** The `transform` list: `- name: {…}`, `- name` when it needs no parameters, or `- use: ./module.mjs` with `parameters`. */
export async function readSteps(
  entries: readonly Json[],
  document: YamlDocument,
  registries: Registries,
  moduleDir: string,
  problems: Problem[],
): Promise<HashedStep[]> {
  const steps: HashedStep[] = [];
  for (const [i, entry] of entries.entries()) {
    const path = ['transform', i];
    const step = isObject(entry) && Object.hasOwn(entry, 'use') ? await readUse(entry, path) : readNamed(entry, path);
    if (step !== undefined) steps.push({ ...step, at: path });
  }
  return steps;

  function readNamed(entry: Json, path: readonly PropertyKey[]): Omit<HashedStep, 'at'> | undefined {
    const named = nameAndParameters(entry, path, registries.transformers, 'transformer', document, problems);
    if (named === undefined) return undefined;
    const [name, written] = named;
    const transformer = registries.transformers[name];
    if (transformer === undefined) return undefined;
    const parameters = parseParameters(transformer, written, [...path, name]);
    return parameters === undefined ? undefined : { name, transformer, parameters, written, source: null, use: null };
  }

  // Exact numbers first (Ceilometer's six tell 1.0 from 1); a schema that wants numbers of JavaScript gets those.
  function parseParameters(transformer: AnyTransformer, written: Json, path: readonly PropertyKey[]): unknown {
    const exact = transformer.Parameters.safeParse(written);
    return exact.success ? exact.data : parseAt(transformer.Parameters, plain(written), document, path, problems);
  }

  async function readUse(entry: Json, path: readonly PropertyKey[]): Promise<Omit<HashedStep, 'at'> | undefined> {
    const use = parseAt(UseEntry, plain(entry), document, path, problems);
    if (use === undefined) return undefined;
    const loaded = await loadOwnTransformer(resolve(moduleDir, use.use));
    if (typeof loaded === 'string') {
      problems.push(document.problem([...path, 'use'], loaded));
      return undefined;
    }
    const written = (isObject(entry) ? entry['parameters'] : undefined) ?? {};
    const { transformer, source } = loaded;
    const parameters = parseParameters(transformer, written, [...path, 'parameters']);
    return parameters === undefined
      ? undefined
      : { name: transformer.name, transformer, parameters, written, source, use: use.use };
  }
}

/**
 * `{ name: parameters, …rest }` with the name looked up in a registry; text alone is a name without parameters. Names that
 * are not there are told with the ones that are.
 */
export function nameAndParameters(
  entry: Json,
  path: readonly PropertyKey[],
  registry: Readonly<Record<string, unknown>>,
  what: 'transformer' | 'publisher' | 'input',
  document: YamlDocument,
  problems: Problem[],
): readonly [name: string, parameters: Json] | undefined {
  const known = Object.keys(registry);
  const unknown = (name: string) => {
    problems.push(document.problem([...path, name], `there is no ${what} "${name}"`, suggestion(name, known), 'key'));
  };
  if (typeof entry === 'string') {
    if (Object.hasOwn(registry, entry)) return [entry, {}];
    problems.push(document.problem(path, `there is no ${what} "${entry}"`, suggestion(entry, known)));
    return undefined;
  }
  if (!isObject(entry)) {
    problems.push(document.problem(path, `${describe(entry)}, expected \`- name: {…}\` of a ${what}`));
    return undefined;
  }
  const names = Object.keys(entry);
  const matching = names.filter((name) => Object.hasOwn(registry, name));
  const [name] = matching;
  if (name !== undefined && names.length === 1) return [name, entry[name] ?? {}];
  if (matching.length > 1) {
    problems.push(document.problem(path, `${matching.join(' and ')} in one entry`, 'start each with its own `- `'));
  } else if (name !== undefined) {
    const hint = `indent it to make it a parameter of ${name}`;
    for (const other of names.filter((each) => each !== name))
      problems.push(document.problem([...path, other], `unknown key "${other}"`, hint, 'key'));
  } else if (names.length === 0) {
    problems.push(document.problem(path, `names no ${what}`, `there is: ${known.join(', ')}`));
  } else {
    unknown(names[0] ?? '');
  }
  return undefined;
}
