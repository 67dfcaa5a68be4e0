/** What a server said: RFC 5321 section 4.2, the enhanced code of RFC 3463 taken out of the first line. */
export interface Reply {
  readonly code: number;
  /** `4.2.0`; its first digit never overrides that of `code` (RFC 3463: the reply decides, the enhanced code refines). */
  readonly enhanced: string | null;
  readonly lines: readonly string[];
}

/** 512 octets with the line end (RFC 5321, 4.5.3.1.5); a hundred lines are more than any server says. */
const longestLine = 512;
const mostLines = 100;
const newline = 10;

const decoder = new TextDecoder();

/**
 * Bytes to replies, whatever the pieces they come in. Anything that is no reply (four digits, a code that changes in the middle, a
 * line without end) is `garbage`, once; nothing is read after it. Holds at most one line and one reply.
 */
export class ReplyReader {
  #held: number[] = [];
  #code: string | null = null;
  #lines: string[] = [];
  #isBroken = false;

  /** Something came that belongs to no finished reply. */
  get hasRest(): boolean {
    return this.#held.length > 0 || this.#lines.length > 0;
  }

  push(chunk: Uint8Array): (Reply | 'garbage')[] {
    const found: (Reply | 'garbage')[] = [];
    for (const byte of chunk) {
      if (this.#isBroken) break;
      this.#held.push(byte);
      if (byte !== newline && this.#held.length <= longestLine) continue;
      const reply = byte === newline && this.#held.length <= longestLine ? this.#line() : 'garbage';
      if (reply === 'garbage') this.#isBroken = true;
      if (reply !== null) found.push(reply);
    }
    return found;
  }

  #line(): Reply | 'garbage' | null {
    const text = decoder.decode(Uint8Array.from(this.#held)).replace(/\r?\n$/, '');
    this.#held = [];
    const [, code = '', more = '', said = ''] = /^([2-5]\d\d)(?:([ -])(.*))?$/s.exec(text) ?? [];
    if (code === '' || (this.#code !== null && this.#code !== code)) return 'garbage';
    this.#code = code;
    this.#lines.push(said);
    if (more === '-') return this.#lines.length < mostLines ? null : 'garbage';
    const lines = this.#lines;
    this.#code = null;
    this.#lines = [];
    return { code: Number(code), enhanced: enhancedOf(lines[0] ?? ''), lines };
  }
}

/** For logs and `mail show`: one line, bounded, no control characters. */
export function printReply(reply: Reply): string {
  const text = `${reply.code} ${reply.lines.join(' / ')}`.replaceAll(/[\u0000-\u001f\u007f]/g, ' ');
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function enhancedOf(line: string): string | null {
  return /^([245]\.\d{1,3}\.\d{1,3})(?:\s|$)/.exec(line)?.[1] ?? null;
}
