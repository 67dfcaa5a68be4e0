import { Fault } from '../../../model/faults.ts';
import { quoted } from '../definition-error.ts';
import { grammar, type Path } from './grammar.ts';
import { generateTables, runTables } from './lalr.ts';
import { badPath, type Token, tokenize } from './lexer.ts';

// Bounds of one path. Ceilometer has none; its own definitions stay below 120 characters.
const mostCharacters = 4096;
const mostTokens = 512;

const tables = generateTables(grammar);

/** Parses a path of the dialect. Throws a fatal Fault `bad_path` where Ceilometer would not load the definition. */
export function parsePath(text: string): Path {
  if (text.length > mostCharacters) throw badPath(text, mostCharacters, 'the path is too long');
  try {
    return runTables<unknown, Token>(tables, bounded(text), (token) => {
      throw badPath(
        text,
        token?.at ?? text.length,
        token === undefined ? 'the path ends too early' : `"${token.value}" does not fit here`,
      );
    }) as Path;
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('fatal', 'bad_path', `${quoted(text)}: ${(cause as Error).message}`, { cause });
  }
}

function* bounded(text: string): Generator<Token> {
  let count = 0;
  for (const token of tokenize(text)) {
    if (++count > mostTokens) throw badPath(text, token.at, `more than ${mostTokens} parts`);
    yield token;
  }
}
