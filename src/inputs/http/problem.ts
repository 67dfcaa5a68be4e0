/** An answer that is not 202, as RFC 9457 writes it. Thrown anywhere in a request, sent once at its end. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly statusCode: number;
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    statusCode: number,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.statusCode = statusCode;
    this.details = details;
    this.headers = headers;
  }
}

/** Come again: the sender keeps what it has. */
export function comeAgain(status: 429 | 503, message: string, details: Readonly<Record<string, unknown>> = {}): Problem {
  return new Problem(status, message, details, { 'retry-after': status === 429 ? '1' : '5' });
}
