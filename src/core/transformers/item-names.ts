import { z } from 'zod';
import { type Item, isEvent } from '../../model/item.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import { compileExpression, type Expression } from '../expression/expression.ts';
import { ExpressionSyntaxFault } from '../expression/failure.ts';

/** What an expression of ours sees of an item: its fields, and for an event its traits by name (`traits.instance_id`). */
export function itemNames(item: Item): JsonObject {
  if (!isEvent(item)) return item as unknown as JsonObject;
  const traits: JsonObject = Object.fromEntries(item.traits.map(([name, , value]) => [name, value]));
  return { ...(item as unknown as { readonly [key: string]: Json }), traits };
}

/** An expression as a parameter of our own transformers: refused at load when it cannot work. */
export const expression = z
  .string()
  .min(1)
  .transform((text, context): Expression => {
    try {
      const compiled = compileExpression(text);
      for (const message of compiled.problems) context.addIssue({ code: 'custom', message });
      return compiled;
    } catch (error) {
      if (!(error instanceof ExpressionSyntaxFault)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  });
