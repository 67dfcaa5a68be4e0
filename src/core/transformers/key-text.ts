const encoder = new TextEncoder();

/** The parts that `canonicalParts` joined. */
export function splitParts(text: string): string[] {
  const parts: string[] = [];
  let at = 0;
  while (at < text.length) {
    const colon = text.indexOf(':', at);
    const end = skipBytes(text, colon + 1, Number(text.slice(at, colon)));
    parts.push(text.slice(colon + 1, end));
    at = end;
  }
  return parts;
}

/** Where `bytes` bytes of UTF-8 end, counted from `at`. */
function skipBytes(text: string, at: number, bytes: number): number {
  let left = bytes;
  let end = at;
  while (left > 0) {
    const code = text.codePointAt(end) as number;
    const char = String.fromCodePoint(code);
    left -= code < 128 ? 1 : encoder.encode(char).length;
    end += char.length;
  }
  return end;
}
