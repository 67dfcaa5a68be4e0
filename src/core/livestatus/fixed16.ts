/**
 * The answer header that a client may ask for with `ResponseHeader: fixed16`: three digits, a blank, the length of the body right-aligned
 * in eleven, a newline. Source of the format: the manual of mk_livestatus; `sprintf("%03d %11d\n")`.
 *
 * Texts here are byte strings: one character for each byte, whatever the bytes mean.
 */
export interface Fixed16 {
  readonly code: number;
  /** Bytes of the body that follows. */
  readonly length: number;
}

export const fixed16Bytes = 16;
const pattern = /^(\d{3}) ( *\d+)\n$/;
const longest = 99_999_999_999;

/** Throws a RangeError for a body that the header cannot announce. */
export function toFixed16({ code, length }: Fixed16): string {
  if (length > longest) throw new RangeError(`a body of ${length} bytes does not fit a fixed16 header`);
  return `${String(code).padStart(3, '0')} ${String(length).padStart(11)}\n`;
}

/** Null for what is no such header. `bytes` are the first sixteen of an answer. */
export function parseFixed16(bytes: string): Fixed16 | null {
  const found = bytes.length === fixed16Bytes ? pattern.exec(bytes) : null;
  if (found === null) return null;
  return { code: Number(found[1]), length: Number(found[2]) };
}
