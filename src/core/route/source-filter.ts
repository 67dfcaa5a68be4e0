import { Fault } from '../../model/faults.ts';
import { compileGlob } from '../python/glob.ts';

// Ceilometer's matching of a pipeline source's `meters` or `events`, its oddities included: only the first character of a pattern is
// looked at, so `*.bytes` counts neither as included nor as excluded and may stand beside `!disk.*`.
//
// | patterns                | a name passes when |
// |-------------------------|--------------------|
// | any `!glob` matches     | never              |
// | any other glob matches  | always             |
// | only `!globs`, no match | always             |
// | otherwise               | never              |

export type SourceFilter = (name: string) => boolean;

/** Throws a fatal Fault `bad_match` for what Ceilometer refuses: nothing, an empty pattern, included with excluded or with `*`. */
export function compileSourceFilter(patterns: readonly string[]): SourceFilter {
  check(patterns);
  const denied = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => compileGlob(pattern.slice(1)));
  const allowed = patterns.filter((pattern) => !pattern.startsWith('!')).map(compileGlob);
  return (name) => {
    if (denied.some((glob) => glob(name))) return false;
    return allowed.length === 0 || allowed.some((glob) => glob(name));
  };
}

function check(patterns: readonly string[]): void {
  if (patterns.length === 0) throw new Fault('fatal', 'bad_match', 'no patterns, expected at least one (`*` matches everything)');
  if (patterns.includes('')) throw new Fault('fatal', 'bad_match', 'an empty pattern matches nothing');
  const included = patterns.find((pattern) => !/^[!*]/.test(pattern));
  if (included === undefined) return;
  const excluded = patterns.find((pattern) => pattern.startsWith('!'));
  if (excluded !== undefined)
    throw new Fault('fatal', 'bad_match', `"${included}" includes and "${excluded}" excludes; use one of the two kinds`);
  if (patterns.includes('*')) throw new Fault('fatal', 'bad_match', `"${included}" stands beside "*", which matches everything`);
}
