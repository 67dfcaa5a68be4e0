import type { JsonObject } from '../../model/json.ts';
import { compileExpression, type Expression } from '../expression/expression.ts';
import { truthy } from '../expression/value.ts';
import type { HostDefinition, TriggerDefinition } from './host-definition.ts';
import type { HostTurn } from './host-turn.ts';

interface Compiled {
  readonly id: string;
  readonly fires: Expression;
  readonly clears: Expression | null;
}

/** The triggers of a host's services, compiled once per definition. */
const compiled = new WeakMap<HostDefinition, ReadonlyMap<string, readonly Compiled[]>>();

export function triggersOf(definition: HostDefinition, service: string): readonly Compiled[] {
  let found = compiled.get(definition);
  if (found === undefined) {
    found = compileAll(definition.triggers);
    compiled.set(definition, found);
  }
  return found.get(service) ?? none;
}

const none: readonly Compiled[] = [];

function compileAll(triggers: readonly TriggerDefinition[]): ReadonlyMap<string, readonly Compiled[]> {
  const byService = new Map<string, Compiled[]>();
  for (const { id, service, expression, recovery } of triggers) {
    const one = { id, fires: compileExpression(expression), clears: recovery === null ? null : compileExpression(recovery) };
    byService.set(service, [...(byService.get(service) ?? []), one]);
  }
  return byService;
}

/** How many could not be computed over this data: such a trigger stays as it is. */
export function pull(triggers: readonly Compiled[], data: JsonObject, fired: ReadonlySet<string>, turn: HostTurn): number {
  let failed = 0;
  for (const { id, fires, clears } of triggers) {
    try {
      if (!fired.has(id)) {
        if (truthy(fires.evaluate(data))) turn.fire(id);
      } else if (clears === null ? !truthy(fires.evaluate(data)) : truthy(clears.evaluate(data))) turn.clear(id);
    } catch {
      failed += 1; // the data has no such field, or not of that kind; counted by the caller
    }
  }
  return failed;
}
