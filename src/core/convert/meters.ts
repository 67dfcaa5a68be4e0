import { Fault } from '../../model/faults.ts';
import { isObject, type Json } from '../../model/json.ts';
import { DefinitionError, excerpt } from './definition-error.ts';
import { compileMeter, type MetadataPlans, type MeterDefinition } from './meter-definition.ts';
import type { ReservedMetadata } from './user-metadata.ts';

/** The definitions of one file (or of one test), in their order. */
export interface DefinitionFile {
  readonly file: string;
  readonly definitions: readonly Json[];
  /** `line:column` of a definition, for messages. */
  readonly place?: (index: number) => string;
}

export interface Meters {
  /** In the order they are tried: files in order, each from its end. */
  readonly definitions: readonly MeterDefinition[];
  /** What was left out, and why (compat), and names defined twice. */
  readonly warnings: readonly string[];
}

/**
 * Compiles meter definitions. Of a name defined twice the one in the earlier file wins, and in one file the later one.
 *
 * | a definition that does not load | compat | native |
 * |---|---|---|
 * | a path, type or required field is wrong | left out, warning | throws a fatal Fault `bad_definition` |
 * | anything else (a bad regular expression, `map` without values) | NO meter of any file works, warning | the same |
 */
export function compileMeters(
  files: readonly DefinitionFile[],
  options: { compat: boolean; reserved: ReservedMetadata },
): Meters {
  const warnings: string[] = [];
  const known = new Map<string, MeterDefinition>();
  const plans: MetadataPlans = new Map();
  for (const file of files) {
    for (let i = file.definitions.length - 1; i >= 0; i--) {
      const definition = file.definitions[i] as Json;
      const where = describe(file, i, definition);
      // A name that is no text can be equal to no other (lists and objects are refused further down).
      const name = isObject(definition) && typeof definition['name'] === 'string' ? definition['name'] : where;
      if (known.has(name)) {
        warnings.push(`${where}: defined twice, this one is not used`);
        continue;
      }
      try {
        known.set(name, compileMeter(definition, options.reserved, plans));
      } catch (error) {
        if (!(error instanceof DefinitionError)) throw error;
        const message = `${where}: ${error.message}`;
        if (!options.compat) throw new Fault('fatal', 'bad_definition', message, { cause: error });
        if (!error.skipped) return { definitions: [], warnings: [...warnings, `${message}; NO meter definition is used`] };
        warnings.push(`${message}; it is left out`);
      }
    }
  }
  return { definitions: [...known.values()], warnings };
}

function describe(file: DefinitionFile, index: number, definition: Json): string {
  const place = file.place === undefined ? '' : `:${file.place(index)}`;
  const name = isObject(definition) && typeof definition['name'] === 'string' ? ` (${excerpt(definition['name'])})` : '';
  return `${file.file}${place}: metric[${index}]${name}`;
}
