import { Fault } from '../../model/faults.ts';

/** What Python's `eval` would have raised while running: the same input fails again, so it is poison. `kind` is Python's name. */
export function failure(
  kind:
    | 'TypeError'
    | 'ZeroDivisionError'
    | 'OverflowError'
    | 'ValueError'
    | 'IndexError'
    | 'KeyError'
    | 'AttributeError'
    | 'SyntaxError',
  message: string,
): Fault {
  return new Fault('poison', 'expression_failed', `${kind}: ${message}`);
}

/** The text is no expression: found when the configuration is loaded. `column` counts from 1. */
export class ExpressionSyntaxFault extends Fault {
  readonly column: number;
  constructor(message: string, column: number) {
    super('fatal', 'bad_expression', `${message} (column ${column})`);
    this.column = column;
  }
}
