import type { IncomingHttpHeaders } from 'node:http';
import { BearerToken } from '../lib/bearer-token.ts';
import { hostName, isLoopback, loopbackNames } from '../lib/loopback.ts';
import { Fault } from '../model/faults.ts';

export interface Refusal {
  readonly status: 401 | 405 | 421;
  readonly message: string;
}

/** Answered to anybody: whoever may look whether a process lives has no secret. */
const open = new Set(['/healthz']);

/**
 * Who may ask, decided from the headers alone. Nothing that is served changes anything, so nothing but reading is let in.
 *
 * On a loopback address the Host header must name this machine, token or not: a web page that rebinds its own name to 127.0.0.1 cannot
 * read then. Beyond this machine only the token counts.
 */
export class Access {
  readonly #token: BearerToken | null;
  readonly #hosts: ReadonlySet<string> | null;

  constructor(host: string, token: string | null) {
    if (!isLoopback(host) && token === null)
      throw new Fault('fatal', 'admin_without_token', `admin.listen ${host} is beyond this machine and needs admin.token_file`);
    this.#token = token === null ? null : new BearerToken(token);
    this.#hosts = isLoopback(host) ? new Set([...loopbackNames, host.toLowerCase()]) : null;
  }

  refusal(method: string, path: string, headers: IncomingHttpHeaders): Refusal | null {
    if (this.#hosts !== null && !this.#hosts.has(hostName(headers.host ?? '')))
      return { status: 421, message: 'the Host header names another server' };
    if (method !== 'GET' && method !== 'HEAD')
      return { status: 405, message: 'only GET and HEAD: nothing here changes anything' };
    if (this.#token === null || open.has(path) || this.#token.isIn(headers.authorization)) return null;
    return { status: 401, message: 'a valid bearer token is needed' };
  }
}
