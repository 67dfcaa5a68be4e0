import { Lexer, LineCounter, Parser, parseDocument } from 'yaml';
import type { Json } from '../model/json.ts';
import { formatPath, type Position, type Problem } from './problem.ts';
import type { YamlDialect } from './yaml-scalar.ts';
import { type Located, YamlWalk } from './yaml-walk.ts';

export const yamlLimits = { maxBytes: 1024 * 1024, maxDepth: 64, maxNodes: 100_000 } as const;

/** A YAML file as values that know where they stood. */
export class YamlDocument {
  readonly file: string;
  readonly root: Located;
  constructor(file: string, root: Located) {
    this.file = file;
    this.root = root;
  }

  /** Exact: `1.0` is a `Float`, integers keep all digits. */
  get value(): Json {
    return this.root.value;
  }

  /** The position of the deepest node on the path that exists; of the key itself when `what` is `key`. */
  locate(path: readonly PropertyKey[], what: 'value' | 'key' = 'value'): Position {
    let node = this.root;
    for (const [i, step] of path.entries()) {
      const child = node.children?.get(step as string | number);
      if (child === undefined) break;
      if (what === 'key' && i === path.length - 1) return child.key ?? child.at;
      node = child;
    }
    return node.at;
  }

  problem(path: readonly PropertyKey[], message: string, hint: string | null = null, what: 'value' | 'key' = 'value'): Problem {
    return { file: this.file, ...this.locate(path, what), path: formatPath(path), message, hint };
  }
}

export interface YamlRead {
  /** Null when the text is not one YAML document that may be looked into. */
  readonly document: YamlDocument | null;
  readonly problems: readonly Problem[];
}

/**
 * Reads YAML that somebody else may have written. Refused, each with its position: more than 1 MiB, more than 64 levels, aliases that unfold
 * to more than 100,000 nodes, custom tags, a key `__proto__`, and (1.2 only: PyYAML lets the last one win) keys that come twice.
 */
export function readYaml(text: string, file: string, dialect: YamlDialect = 'yaml-1.2'): YamlRead {
  const refuse = (message: string, at: Position = { line: 1, column: 1 }): YamlRead => ({
    document: null,
    problems: [{ file, ...at, path: '', message, hint: null }],
  });
  if (Buffer.byteLength(text) > yamlLimits.maxBytes) return refuse(`larger than ${yamlLimits.maxBytes} bytes`);
  const lines = new LineCounter();
  const tooDeepAt = offsetBelow(text, lines);
  if (tooDeepAt !== null) return refuse(`nested deeper than ${yamlLimits.maxDepth} levels`, positionOf(lines, tooDeepAt));

  const counter = new LineCounter();
  // Plain scalars are resolved by ourselves (`failsafe` leaves them text): exact numbers, and two dialects.
  const parsed = parseDocument(text, { lineCounter: counter, schema: 'failsafe', uniqueKeys: false, prettyErrors: false });
  if (parsed.errors.length > 0) {
    const problems = parsed.errors.map((error) => ({
      file,
      ...positionOf(counter, error.pos[0]),
      path: '',
      message: `not YAML: ${error.message}`,
      hint: error.code === 'MULTIPLE_DOCS' ? 'one document per file, without `---` between' : null,
    }));
    return { document: null, problems: problems.slice(0, 20) };
  }
  const walk = new YamlWalk(file, dialect, (offset) => positionOf(counter, offset), yamlLimits);
  const root = walk.located(parsed.contents);
  if (root === null) return { document: null, problems: walk.problems };
  return { document: new YamlDocument(file, root), problems: walk.problems };
}

function positionOf(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

// The composer of the library recurses, and 400,000 opening brackets (1 MiB) do not throw in it but end the process (V8's regular expression
// compiler runs out of memory on the full stack). Lexer and parser keep a stack of their own, so they can measure first: 12 ms at worst.
function offsetBelow(text: string, lines: LineCounter): number | null {
  const parser = new Parser(lines.addNewLine);
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const _token of parser.next(lexeme)) {
      // only its stack is of interest
    }
    offset += lexeme.length;
    if (parser.stack.length > 3 * yamlLimits.maxDepth) return Math.min(offset, text.length);
  }
  return null;
}
