import { PythonError } from '../python-error.ts';
import { attempt, mostSteps, newRun, type Steps } from './machine.ts';
import { assemble } from './program.ts';
import { parseRegex, type Syntax } from './syntax.ts';

// Patterns of an operator's definitions meet texts of strangers. JavaScript's RegExp is no choice: it backtracks without bound, and its
// syntax differs from Python's. RE2 has no look-ahead, which Ceilometer's own definitions use
// (`compute.instance.(?!create.start|update).*`). So Python's syntax runs on a machine of ours with a bound (see machine.ts).

export interface Pattern {
  /** `re.match`: anchored at the start, not at the end. */
  readonly matches: (text: string, steps?: Steps) => boolean;
  /** `re.sub`. Throws `re.error` for a bad replacement. */
  readonly replace: (replacement: string, text: string, steps?: Steps) => string;
}

/** Throws a PythonError `re.error` where Python's `re.compile` would, and for the little we do not know. */
export function compilePattern(source: string): Pattern {
  const syntax = parseRegex(source);
  const program = assemble(syntax.tree, syntax.groups);
  const slotCount = program.slots;
  return {
    matches: (text, steps = { left: mostSteps }) => {
      const run = newRun(program, toCodes(text), false, steps.left);
      try {
        return attempt(run, 0, new Int32Array(slotCount).fill(-1)) >= 0;
      } finally {
        steps.left = run.budget;
      }
    },
    replace: (replacement, text, steps = { left: mostSteps }) => {
      const template = parseTemplate(replacement, syntax);
      const codes = toCodes(text);
      const run = newRun(program, codes, true, steps.left);
      const slots = new Int32Array(slotCount);
      let result = '';
      let done = 0;
      let notEndingAt = -1;
      for (let start = 0; start <= codes.length; ) {
        slots.fill(-1);
        const end = attempt(run, start, slots, start === notEndingAt ? start : -1);
        steps.left = run.budget;
        if (end < 0) {
          start++;
          continue;
        }
        slots[0] = start;
        slots[1] = end;
        result += toText(codes, done, start);
        for (const part of template) {
          if (typeof part === 'string') result += part;
          else if ((slots[part * 2] as number) >= 0)
            result += toText(codes, slots[part * 2] as number, slots[part * 2 + 1] as number);
        }
        done = end;
        if (end === start) notEndingAt = start;
        start = end;
      }
      return result + toText(codes, done, codes.length);
    },
  };
}

function toCodes(text: string): Int32Array {
  const codes = new Int32Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; length++) {
    const code = text.codePointAt(at) ?? 0;
    codes[length] = code;
    at += code > 0xffff ? 2 : 1;
  }
  return codes.subarray(0, length);
}

function toText(codes: Int32Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at++) text += String.fromCodePoint(codes[at] as number);
  return text;
}

const templateEscape = /\\(?:g<([^>]*)>|([1-9]\d?)|(0[0-7]{0,2})|(.)|$)/gsu;
const letters: { readonly [letter: string]: string | undefined } = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

/** Texts and group numbers. */
function parseTemplate(replacement: string, { groups, names }: Syntax): (string | number)[] {
  const parts: (string | number)[] = [];
  let at = 0;
  for (const match of replacement.matchAll(templateEscape)) {
    parts.push(replacement.slice(at, match.index));
    at = match.index + match[0].length;
    const [, name, number, octal, letter] = match;
    if (octal !== undefined) parts.push(String.fromCodePoint(Number.parseInt(octal, 8)));
    else if (letter !== undefined) {
      const plain = letters[letter] ?? (/[a-zA-Z]/.test(letter) ? undefined : `\\${letter}`);
      if (plain === undefined) throw new PythonError('re.error', `bad escape \\${letter}`);
      parts.push(plain);
    } else {
      const group = number !== undefined ? Number(number) : groupNumber(name, names);
      if (!(group <= groups)) throw new PythonError('re.error', 'invalid group reference');
      parts.push(group);
    }
  }
  parts.push(replacement.slice(at));
  return parts;
}

function groupNumber(name: string | undefined, names: ReadonlyMap<string, number>): number {
  if (name === undefined) throw new PythonError('re.error', 'bad escape (end of pattern)');
  return /^\d+$/.test(name) ? Number(name) : (names.get(name) ?? Number.NaN);
}
