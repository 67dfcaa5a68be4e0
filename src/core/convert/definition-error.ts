import { Fault } from '../../model/faults.ts';

const longestQuote = 80;

/** What a message tells of a definition's text: its beginning. */
export function excerpt(text: string): string {
  return text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text;
}

export function quoted(text: string): string {
  return JSON.stringify(excerpt(text));
}

/**
 * Why a definition does not load. `skipped` ones are caught by Ceilometer, which leaves out that definition only; any other exception
 * takes all meters of all files away there. Natively both are load errors.
 */
export class DefinitionError extends Fault {
  readonly skipped: boolean;
  constructor(message: string, options: { skipped: boolean; cause?: unknown }) {
    super('fatal', 'bad_definition', message, options.cause === undefined ? {} : { cause: options.cause });
    this.skipped = options.skipped;
  }
}

/** Ceilometer's DefinitionException. */
export function skippedDefinition(message: string, cause?: unknown): DefinitionError {
  return new DefinitionError(message, { skipped: true, cause });
}

/** Any other exception while a definition is read. */
export function brokenDefinition(message: string, cause?: unknown): DefinitionError {
  return new DefinitionError(message, { skipped: false, cause });
}
