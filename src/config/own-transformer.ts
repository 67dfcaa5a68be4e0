import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { AnyTransformer } from '../core/transformers/transformer.ts';
import { stableId } from '../model/stable-hash.ts';
import { readable } from './read-file.ts';

export interface OwnTransformer {
  readonly transformer: AnyTransformer;
  /** Its source text: part of the sink's hash, because changing it changes results. */
  readonly source: string;
}

/**
 * An operator's own transformer: a module that exports `transformer`, held to the contract of ours. Returns what is wrong with it as a
 * sentence. Runs the module's top level: a configuration that names it trusts it.
 */
export async function loadOwnTransformer(file: string): Promise<OwnTransformer | string> {
  let module: Readonly<Record<string, unknown>>;
  let source: string;
  try {
    source = await readFile(file, 'utf8');
    // A module is evaluated once per address: with its text in it, a changed file is another one after a reload.
    module = (await import(`${pathToFileURL(file).href}?${stableId([source])}`)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    return `cannot load ${file}: ${readable(error).split('\n', 1)[0]}`; // the rest of a syntax error is a drawing
  }
  const { transformer } = module;
  if (typeof transformer !== 'object' || transformer === null) {
    const exported = Object.keys(module).join(', ');
    return `${file} does not export \`transformer\`${exported === '' ? '' : ` (it exports ${exported})`}`;
  }
  const faults = contractFaults(transformer as Readonly<Record<string, unknown>>);
  return faults.length === 0
    ? { transformer: transformer as AnyTransformer, source }
    : `${file}: \`transformer\` ${faults.join('; ')}`;
}

function contractFaults(given: Readonly<Record<string, unknown>>): string[] {
  const faults: string[] = [];
  const owes = (condition: boolean, what: string) => {
    if (!condition) faults.push(`needs ${what}`);
  };
  const isSchema = (schema: unknown) => typeof (schema as { safeParse?: unknown } | null | undefined)?.safeParse === 'function';
  owes(
    typeof given['name'] === 'string' && /^[a-z0-9_]{1,64}$/.test(given['name']),
    '`name`, a word of lower-case letters, digits and `_`',
  );
  owes(typeof given['summary'] === 'string', '`summary`, a sentence');
  owes(
    Array.isArray(given['takes']) &&
      given['takes'].length > 0 &&
      given['takes'].every((kind) => kind === 'samples' || kind === 'events'),
    "`takes`, a list of 'samples' and 'events'",
  );
  owes(isSchema(given['Parameters']), '`Parameters`, a zod schema');
  owes(Array.isArray(given['examples']), '`examples`, a list');
  owes(typeof given['step'] === 'function', '`step`, a function');
  const { scope } = given;
  owes(scope === 'none' || scope === 'key' || scope === 'partition', "`scope`: 'none', 'key' or 'partition'");
  if (scope === 'key' || scope === 'partition') owes(isSchema(given['State']), '`State`, a zod schema of what it remembers');
  if (scope === 'key') {
    owes(typeof given['key'] === 'function', '`key`, a function that names the key of an item');
    owes(typeof given['partitionKeys'] === 'function', '`partitionKeys`, a function that names the attributes of the key');
  }
  for (const optional of [
    'partitionKeys',
    'needsTime',
    'deadline',
    'due',
    'idleAfterMs',
    'flush',
    'origins',
    'newer',
    'shift',
    'relocate',
  ])
    if (given[optional] !== undefined) owes(typeof given[optional] === 'function', `\`${optional}\` to be a function`);
  return faults;
}
