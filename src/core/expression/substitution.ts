import { translatePattern } from './python-pattern.ts';

/** Python's `re.sub(pattern, replacement, text)`; null where it would raise for this text. */
export type Substitution = (text: string) => string | null;

/** A name longer than this is not looked at: a pattern that backtracks must not be fed without a bound. */
const maxText = 1_024;

/** Null when the pattern or the replacement can never work (Python's `re.error`). */
export function compileSubstitution(pattern: string, replacement: string): Substitution | null {
  const translated = translatePattern(pattern);
  if (translated === null) return null;
  const { regex, groups, names } = translated;
  const pieces = parseTemplate(replacement, groups, names);
  if (pieces === null) return null;
  return (text) => {
    if (text.length > maxText) return null;
    return text.replace(regex, (...found) => {
      let result = '';
      for (const piece of pieces) result += typeof piece === 'string' ? piece : ((found[piece] as string | undefined) ?? '');
      return result;
    });
  };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v', '\\': '\\' };

/** Texts and group numbers. As Python reads it: `\1`, `\12`, `\g<name>`, `\0` and three digits are octal, an unknown letter is an error. */
function parseTemplate(template: string, groups: number, names: ReadonlyMap<string, number>): (string | number)[] | null {
  const pieces: (string | number)[] = [];
  const part = /\\g<([^>]*)>|\\(0[0-7]{0,2})|\\([0-3][0-7]{2})|\\([1-9]\d?)|\\([\s\S]?)|([^\\]+)/gy;
  for (let found = part.exec(template); found !== null; found = part.exec(template)) {
    const [, name, octal, longOctal, digits, letter, plain] = found;
    if (plain !== undefined) pieces.push(plain);
    else if (octal !== undefined || longOctal !== undefined)
      pieces.push(String.fromCharCode(Number.parseInt((octal ?? longOctal) as string, 8)));
    else if (letter !== undefined) {
      if (Object.hasOwn(escapes, letter)) pieces.push(escapes[letter] as string);
      else if (letter === '' || /[a-zA-Z]/.test(letter)) return null;
      else pieces.push(`\\${letter}`);
    } else {
      const group = digits ?? name ?? '';
      const number = /^\d+$/.test(group) ? Number(group) : names.get(group);
      if (number === undefined || number > groups) return null;
      pieces.push(number);
    }
  }
  return pieces;
}
