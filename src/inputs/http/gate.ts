import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from './problem.ts';

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];

/** Who may come in, decided from the headers alone, before a byte of the body is read. Throws a `Problem`. */
export class Gate {
  readonly #token: Buffer | undefined;
  readonly #hosts: ReadonlySet<string> | undefined;

  /**
   * Without a token anybody on this machine may post, so the Host header must name this machine: a web page that rebinds its own
   * name to 127.0.0.1 cannot. With a token the page would not know it, and only listed names are checked.
   */
  constructor(token: string | undefined, host: string, allowedHosts: readonly string[]) {
    this.#token = token === undefined ? undefined : digest(token);
    const names = [...loopbackNames, host.includes(':') ? `[${host}]` : host, ...allowedHosts];
    this.#hosts = token === undefined || allowedHosts.length > 0 ? new Set(names.map((name) => name.toLowerCase())) : undefined;
  }

  check(headers: IncomingHttpHeaders): void {
    const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
    if (this.#hosts !== undefined && !this.#hosts.has(host)) throw new Problem(421, 'the Host header names another server');
    if (this.#token === undefined) return;
    const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
    // Digests have one length, so the comparison takes the same time for every wrong token.
    if (given === undefined || !timingSafeEqual(digest(given), this.#token))
      throw new Problem(401, 'a valid bearer token is needed', {}, { 'www-authenticate': 'Bearer' });
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
