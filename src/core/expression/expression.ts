import type { JsonObject } from '../../model/json.ts';
import { compile } from './compile.ts';
import { parse } from './parse.ts';
import type { Value } from './value.ts';

/**
 * The part of Python's expressions that Ceilometer's `scale` and `expr` were written in: numbers, texts, lists, names, attributes, subscripts, arithmetic,
 * comparisons and their chains, `and or not in is`, and `a if b else c`. An unknown name is empty and false, as in Ceilometer. There are no
 * calls: Ceilometer's own names shadowed every builtin, so each call failed; here a call fails when it is reached.
 *
 * The language has no loop, so a run is bounded by the text (4,096 characters, 64 levels deep); results are bounded in `arithmetic.ts`.
 */
export interface Expression {
  readonly text: string;
  /** Throws a poison Fault `expression_failed` where Python would have raised. Never changes `names`. */
  evaluate(names: JsonObject): Value;
  /** What cannot work although it parses (a call), with the column: shown when a configuration is loaded. */
  readonly problems: readonly string[];
}

/** Throws an ExpressionSyntaxFault that names the column. */
export function compileExpression(text: string): Expression {
  const { node, calls } = parse(text);
  const problems = calls.map((column) => `functions cannot be called (column ${column})`);
  return { text, evaluate: compile(node), problems };
}
