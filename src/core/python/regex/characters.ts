export type CharacterTest = (code: number) => boolean;
export type SetMember = readonly [from: number, to: number] | CharacterTest;

const digit = /\p{Nd}/u;
const word = /[\p{L}\p{N}_]/u;
const spaces = new Set([9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 133, 160, 5760, 8232, 8233, 8239, 8287, 12288]);

function isDigit(code: number): boolean {
  return code < 128 ? code >= 48 && code <= 57 : digit.test(String.fromCodePoint(code));
}

export function isWord(code: number): boolean {
  if (code >= 128) return word.test(String.fromCodePoint(code));
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95;
}

function isSpace(code: number): boolean {
  return spaces.has(code) || (code >= 8192 && code <= 8202);
}

/** `\d \D \w \W \s \S`; undefined for any other letter. */
export function characterClass(letter: string, ascii: boolean): CharacterTest | undefined {
  const positive = letter === 'd' || letter === 'D' ? isDigit : letter === 'w' || letter === 'W' ? isWord : isSpace;
  if (!/[dDwWsS]/.test(letter)) return undefined;
  const test: CharacterTest = ascii ? (code) => code < 128 && positive(code) : positive;
  return letter < 'a' ? (code) => !test(code) : test;
}

export function inSet(members: readonly SetMember[], negated: boolean): CharacterTest {
  return (code) =>
    members.some((member) => (typeof member === 'function' ? member(code) : member[0] <= code && code <= member[1])) !== negated;
}

/** Tests a character in both cases; of a negated set none may be excluded. */
export function ignoringCase(test: CharacterTest, negated: boolean): CharacterTest {
  return (code) => {
    const character = String.fromCodePoint(code);
    const others = [character.toLowerCase(), character.toUpperCase()].map((other) => other.codePointAt(0) ?? code);
    return negated ? test(code) && others.every(test) : test(code) || others.some(test);
  };
}
