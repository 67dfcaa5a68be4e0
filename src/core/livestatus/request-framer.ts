/**
 * Cuts what a client sends into requests: lines ended by a newline, closed by a line without anything but blanks (Checkmk, Naemon and
 * Icinga all take such a line for an empty one, so that it cannot smuggle a second request past us). Carriage returns stay in the lines.
 *
 * Works on byte strings, looks at each byte once however small the pieces are, and holds no more than its limits and one piece.
 */
export interface FramingLimits {
  readonly maxLineBytes: number;
  readonly maxRequestBytes: number;
}

export type Framed =
  | { readonly kind: 'request'; readonly lines: readonly string[] }
  /** Nothing further can be read from this client: where its next request would begin is unknown. */
  | { readonly kind: 'too-long'; readonly lines: readonly string[] };

const blank = /^[ \t\r]*$/;

export class RequestFramer {
  #unread = '';
  #at = 0;
  #lines: string[] = [];
  /** The begun line, grown by concatenation: scanning it again for each piece would be quadratic. */
  #line = '';
  #bytes = 0;

  push(bytes: string): void {
    this.#unread = this.#at === this.#unread.length ? bytes : this.#unread.slice(this.#at) + bytes;
    this.#at = 0;
  }

  /** Bytes that were pushed and not yet looked at. */
  get waiting(): number {
    return this.#unread.length - this.#at;
  }

  /** A request has begun and is not complete. */
  get begun(): boolean {
    return this.#bytes > 0;
  }

  /** The next complete request, or null when more must come. */
  next(limits: FramingLimits): Framed | null {
    while (this.#at < this.#unread.length) {
      const newline = this.#unread.indexOf('\n', this.#at);
      const end = newline === -1 ? this.#unread.length : newline;
      this.#line += this.#unread.slice(this.#at, end);
      this.#bytes += end - this.#at + (newline === -1 ? 0 : 1);
      this.#at = newline === -1 ? end : newline + 1;
      if (this.#line.length > limits.maxLineBytes || this.#bytes > limits.maxRequestBytes)
        return { kind: 'too-long', lines: this.#take() };
      if (newline === -1) return null;
      if (blank.test(this.#line)) return { kind: 'request', lines: this.#take() };
      this.#lines.push(this.#line);
      this.#line = '';
    }
    return null;
  }

  /** At the end of the stream: the lines that no empty line has closed, and whether the last of them is whole. Null: none. */
  rest(): { readonly lines: readonly string[]; readonly whole: boolean } | null {
    if (this.#bytes === 0) return null;
    const whole = this.#line === '';
    return { whole, lines: this.#take() };
  }

  #take(): readonly string[] {
    const lines = this.#lines;
    this.#lines = [];
    this.#line = '';
    this.#bytes = 0;
    return lines;
  }
}
