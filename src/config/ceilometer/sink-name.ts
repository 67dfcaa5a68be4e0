/**
 * A Ceilometer name as a sink name: kept when it is one, else every other character becomes `_x<hex>_`. Two names never become one: what
 * looks like such an escape is escaped itself.
 */
export function escapeSinkName(name: string): string {
  let escaped = '';
  for (const [i, character] of [...name].entries()) {
    const looksEscaped = character === '_' && /^_x[0-9a-f]+_/.test([...name].slice(i).join(''));
    escaped += /^[a-z0-9_-]$/.test(character) && !looksEscaped ? character : `_x${character.codePointAt(0)?.toString(16)}_`;
  }
  return escaped;
}
