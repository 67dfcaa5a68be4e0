import fc, { type Arbitrary } from 'fast-check';

/** Some edits of a text: pieces cut out, doubled, or put in from `pieces`. */
export function mutated(text: Arbitrary<string>, pieces: readonly string[]): Arbitrary<string> {
  const edit = fc.record({
    at: fc.nat(),
    length: fc.nat({ max: 12 }),
    kind: fc.constantFrom('cut', 'double', 'insert', 'replace'),
    piece: fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 })),
  });
  return fc.tuple(text, fc.array(edit, { maxLength: 4 })).map(([original, edits]) => {
    let changed = original;
    for (const { at, length, kind, piece } of edits) {
      const start = changed.length === 0 ? 0 : at % (changed.length + 1);
      const [before, chosen, after] = [
        changed.slice(0, start),
        changed.slice(start, start + length),
        changed.slice(start + length),
      ];
      if (kind === 'cut') changed = before + after;
      if (kind === 'double') changed = before + chosen + chosen + after;
      if (kind === 'insert') changed = before + piece + chosen + after;
      if (kind === 'replace') changed = before + piece + after;
    }
    return changed;
  });
}

/** A JSON text with some of its values, at any depth, replaced: the text stays whole, the meaning does not. `odd` are JSON texts. */
export function replaced(text: Arbitrary<string>, odd: readonly string[]): Arbitrary<string> {
  const change = fc.tuple(fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 6 }), fc.constantFrom(...odd));
  return fc.tuple(text, fc.array(change, { maxLength: 4 })).map(([original, changes]) => {
    const placed = changes.map(([, value], i) => [`"@${i}@"`, value] as const);
    let root: unknown = JSON.parse(original);
    for (const [i, [path]] of changes.entries()) root = replaceAt(root, path, `@${i}@`);
    return placed.reduce((whole, [mark, value]) => whole.replace(mark, () => value), JSON.stringify(root));
  });
}

/** Goes down as far as the path and the value allow, and puts the mark there. */
function replaceAt(value: unknown, path: readonly number[], mark: string): unknown {
  const [first = 0, ...rest] = path;
  if (typeof value !== 'object' || value === null || path.length === 0) return mark;
  const keys = Object.keys(value);
  const key = keys[first % Math.max(1, keys.length)];
  if (key === undefined) return mark;
  const members = value as Record<string, unknown>;
  const inner = replaceAt(members[key], rest, mark);
  return Array.isArray(value) ? value.map((item, i) => (String(i) === key ? inner : item)) : { ...members, [key]: inner };
}
