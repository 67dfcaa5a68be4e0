import { createHash, timingSafeEqual } from 'node:crypto';

/** A secret that a request must carry. Digests have one length, so the comparison takes the same time for every wrong one. */
export class BearerToken {
  readonly #digest: Buffer;

  constructor(secret: string) {
    this.#digest = digest(secret);
  }

  isIn(authorization: string | undefined): boolean {
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), this.#digest);
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
