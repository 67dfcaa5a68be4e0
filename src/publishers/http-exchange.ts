import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

export interface Request {
  readonly method: string;
  readonly url: URL;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** At most the first 4 MiB of it. */
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}
