import { Fault } from '../../model/faults.ts';
import type { Json } from '../../model/json.ts';
import { DefinitionError } from './definition-error.ts';
import { compileEventDefinition, type EventDefinition } from './event-definition.ts';
import type { DefinitionFile } from './meters.ts';

/**
 * Compiles event definitions, last first, since the last one that matches wins, alone; later files come after earlier ones. Unless
 * `dropUnmatched`, one that matches everything with the default traits is added when there is none. Throws a fatal Fault
 * `bad_definition` for anything wrong, as Ceilometer's worker does not come up then either.
 */
export function compileEvents(files: readonly DefinitionFile[], options: { dropUnmatched: boolean }): readonly EventDefinition[] {
  const definitions = files.flatMap((file) => file.definitions.map((definition, i) => compileAt(file, i, definition))).reverse();
  if (!options.dropUnmatched && !definitions.some((definition) => definition.isCatchAll))
    definitions.push(compileEventDefinition({ event_type: '*', traits: {} }));
  return definitions;
}

function compileAt(file: DefinitionFile, index: number, definition: Json): EventDefinition {
  try {
    return compileEventDefinition(definition);
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    const place = file.place === undefined ? '' : `:${file.place(index)}`;
    throw new Fault('fatal', 'bad_definition', `${file.file}${place}: event[${index}]: ${error.message}`, { cause: error });
  }
}
