// Python's `fnmatch.fnmatch` on a case-sensitive system: `*`, `?`, `[seq]`, `[!seq]`; every text is a valid pattern. Matched with
// the two-pointer walk that remembers only the last star, so the worst case is pattern × name, never exponential.

interface CharacterSet {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}
type Piece = '*' | '?' | number | CharacterSet;

export type Glob = (name: string) => boolean;

export function compileGlob(pattern: string): Glob {
  if (!/[*?[]/.test(pattern)) return (name) => name === pattern;
  const pieces = toPieces([...pattern]);
  return (name) => matches(pieces, [...name]);
}

function matches(pieces: readonly Piece[], name: readonly string[]): boolean {
  let piece = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const current = pieces[piece];
    if (current === '*') {
      star = piece++;
      starAt = at;
    } else if (current !== undefined && accepts(current, name[at]?.codePointAt(0) ?? 0)) {
      piece++;
      at++;
    } else if (star >= 0) {
      piece = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (pieces[piece] === '*') piece++;
  return piece === pieces.length;
}

function accepts(piece: Exclude<Piece, '*'>, code: number): boolean {
  if (piece === '?') return true;
  if (typeof piece === 'number') return piece === code;
  return piece.ranges.some(([from, to]) => from <= code && code <= to) !== piece.negated;
}

function toPieces(pattern: readonly string[]): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at++] as string;
    if (character === '*') {
      if (pieces.at(-1) !== '*') pieces.push('*');
    } else if (character === '?') pieces.push('?');
    else if (character !== '[') pieces.push(character.codePointAt(0) ?? 0);
    else {
      const end = endOfSet(pattern, at);
      if (end < 0) pieces.push(0x5b);
      else {
        pieces.push(toSet(pattern.slice(at, end)));
        at = end + 1;
      }
    }
  }
  return pieces;
}

/** The closing bracket; one directly after `[` or `[!` belongs to the set. */
function endOfSet(pattern: readonly string[], start: number): number {
  let at = start;
  if (pattern[at] === '!') at++;
  if (pattern[at] === ']') at++;
  return pattern.indexOf(']', at);
}

function toSet(inside: readonly string[]): CharacterSet {
  const negated = inside[0] === '!';
  const codes = (negated ? inside.slice(1) : inside).map((character) => character.codePointAt(0) ?? 0);
  const ranges: [number, number][] = [];
  for (let i = 0; i < codes.length; i++) {
    const from = codes[i] as number;
    const to = codes[i + 2];
    if (codes[i + 1] === 0x2d && to !== undefined) {
      if (from <= to) ranges.push([from, to]); // an empty range matches nothing
      i += 2;
    } else ranges.push([from, from]);
  }
  return { negated, ranges };
}
