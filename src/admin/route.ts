import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';

/**
 * One thing that can be asked. Server, access and openapi.json are made from a list of these, so a new one is a file in `routes/` and a
 * line where they are put together.
 */
export interface Route {
  /** POST and DELETE change something: they need JSON and, from a browser, the page of this very server. */
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `/v1/dead-letters/:id` */
  readonly path: string;
  readonly summary: string;
  /** Answered to anybody, without the token: never with anything that is not known outside anyway. */
  readonly open?: true;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** What 200 answers with: a shape for JSON, or the media type of anything else. Absent: not listed in openapi.json. */
  readonly answer?: z.ZodType | string;
  /** What else it may answer with, and when. */
  readonly problems?: Readonly<Record<number, string>>;
  /** `query` and `body` are checked before. Throw a `Refusal` for what cannot be done. */
  handle(asked: Asked, reply: FastifyReply): Promise<unknown>;
}

export interface Asked {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly request: FastifyRequest;
}

/** Becomes a problem+json answer of this status. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
