import { isObject, type Json } from '../../model/json.ts';
import { PythonError } from '../python/python-error.ts';
import { pyStr } from '../python/text.ts';
import { brokenDefinition, excerpt, skippedDefinition } from './definition-error.ts';
import { jsonPath } from './json-path/find.ts';
import { createTraitPlugin, type TraitPlugin } from './trait-plugins.ts';

/** The value of one attribute, metadata entry or trait, found in a notification. Both throw PythonError where Python raises. */
export interface Field {
  /** The first value that is not null, else null. */
  readonly one: (document: Json) => Json;
  /** Every value, null ones too (lookup). A constant is no list: Python raises when it counts it, so here it throws. */
  readonly all: (document: Json) => readonly Json[];
}

/**
 * Compiles a path, a list of paths, a constant integer or `{fields, plugin}`. Throws a DefinitionError whose message names `what`.
 */
export function compileField(what: string, definition: Json): Field {
  if (!isObject(definition)) return compilePaths(what, definition);
  if (!Object.hasOwn(definition, 'fields')) throw skippedDefinition(`${what}: "fields" is required`);
  const plugin = Object.hasOwn(definition, 'plugin') ? compilePlugin(what, definition['plugin'] as Json) : undefined;
  return compilePaths(what, definition['fields'] as Json, plugin);
}

function compilePlugin(what: string, plugin: Json): TraitPlugin {
  if (typeof plugin === 'string') return createTraitPlugin(what, plugin, {});
  if (!isObject(plugin)) throw brokenDefinition(`${what}: "plugin" is neither a name nor an object`);
  if (!Object.hasOwn(plugin, 'name')) throw skippedDefinition(`${what}: the plugin has no name`);
  const name = plugin['name'] as Json;
  const parameters = (Object.hasOwn(plugin, 'parameters') ? plugin['parameters'] : null) ?? {};
  if (typeof name !== 'string') throw skippedDefinition(`${what}: there is no plugin ${excerpt(pyStr(name))}`);
  if (!isObject(parameters)) throw brokenDefinition(`${what}: the plugin's parameters are not an object`);
  return createTraitPlugin(what, name, parameters);
}

function compilePaths(what: string, paths: Json, plugin?: TraitPlugin): Field {
  const joined = Array.isArray(paths) ? joinPaths(paths) : paths;
  if (typeof joined === 'boolean' || typeof joined === 'bigint' || (typeof joined === 'number' && Number.isInteger(joined)))
    return constantField(joined);
  if (typeof joined !== 'string') throw skippedDefinition(`${what}: expected a path, found ${excerpt(pyStr(joined))}`);
  const path = compilePath(what, joined);
  if (plugin === undefined) return { one: path.first, all: path.all };
  return {
    one: (document) => plugin.values(path.withPaths(document)).find((value) => value !== null) ?? null,
    all: (document) => {
      if (!plugin.severalValues) throw new PythonError('TypeError', 'this plugin cannot return several values');
      return plugin.values(path.withPaths(document)).filter((value) => value !== null);
    },
  };
}

function joinPaths(paths: readonly Json[]): Json {
  const [only] = paths;
  return paths.length === 1 && only !== undefined ? only : paths.map((path) => `(${pyStr(path)})`).join('|');
}

function compilePath(what: string, text: string) {
  try {
    return jsonPath(text);
  } catch (cause) {
    throw skippedDefinition(`${what}: ${(cause as Error).message}`, cause);
  }
}

function constantField(value: Json): Field {
  return {
    one: () => value,
    all: () => {
      throw new PythonError('TypeError', "object of type 'int' has no len()");
    },
  };
}
