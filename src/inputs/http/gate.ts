import type { IncomingHttpHeaders } from 'node:http';
import { BearerToken } from '../../lib/bearer-token.ts';
import { hostName, loopbackNames } from '../../lib/loopback.ts';
import { Problem } from './problem.ts';

/** Who may come in, decided from the headers alone, before a byte of the body is read. Throws a `Problem`. */
export class Gate {
  readonly #token: BearerToken | undefined;
  readonly #hosts: ReadonlySet<string> | undefined;

  /**
   * Without a token anybody on this machine may post, so the Host header must name this machine: a web page that rebinds its own
   * name to 127.0.0.1 cannot. With a token the page would not know it, and only listed names are checked.
   */
  constructor(token: string | undefined, host: string, allowedHosts: readonly string[]) {
    this.#token = token === undefined ? undefined : new BearerToken(token);
    const names = [...loopbackNames, host.toLowerCase(), ...allowedHosts.map(hostName)];
    this.#hosts = token === undefined || allowedHosts.length > 0 ? new Set(names) : undefined;
  }

  check(headers: IncomingHttpHeaders): void {
    if (this.#hosts !== undefined && !this.#hosts.has(hostName(headers.host ?? '')))
      throw new Problem(421, 'the Host header names another server');
    if (this.#token !== undefined && !this.#token.isIn(headers.authorization))
      throw new Problem(401, 'a valid bearer token is needed', {}, { 'www-authenticate': 'Bearer' });
  }
}
