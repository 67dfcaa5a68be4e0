import { PythonError } from '../python/python-error.ts';
import { compilePattern, type Pattern } from '../python/regex/pattern.ts';

/** Python's `re.sub(pattern, replacement, text)`. Throws a PythonError `MemoryError` when the pattern needs more steps than any may take. */
export type Substitution = (text: string) => string;

/** Meters have few names, and the machine that cannot be made to run for ever is slower than the engine's own. */
const mostKnown = 1_024;
const longestKnown = 256;

/** Null when the pattern or the replacement can never work (Python's `re.error`). */
export function compileSubstitution(pattern: string, replacement: string): Substitution | null {
  const compiled = compileBoth(pattern, replacement);
  if (compiled === null) return null;
  const known = new Map<string, string>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const result = compiled.replace(replacement, text);
    if (known.size >= mostKnown) known.clear();
    if (text.length <= longestKnown) known.set(text, result);
    return result;
  };
}

function compileBoth(pattern: string, replacement: string): Pattern | null {
  try {
    const compiled = compilePattern(pattern);
    compiled.replace(replacement, ''); // a bad replacement shows with any text
    return compiled;
  } catch (error) {
    if (error instanceof PythonError) return null; // the caller says so where it was written
    throw error;
  }
}
