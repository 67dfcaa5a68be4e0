import type { IncomingHttpHeaders } from 'node:http';
import { BearerToken } from '../lib/bearer-token.ts';
import { hostName, isLoopback, loopbackNames } from '../lib/loopback.ts';
import { Fault } from '../model/faults.ts';

export interface Refusal {
  readonly status: 401 | 403 | 415 | 421;
  readonly message: string;
}

/**
 * Who may ask, decided from the headers alone.
 *
 * On a loopback address the Host header must name this machine, token or not: a web page that rebinds its own name to 127.0.0.1 cannot
 * read then. Beyond this machine only the token counts. What changes something is taken from no other page either: a browser says where
 * a request comes from, and cannot send JSON to another site without having been told that it may.
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

  /** `open`: what is asked for may be had by anybody. */
  refusal(open: boolean, headers: IncomingHttpHeaders): Refusal | null {
    if (this.#hosts !== null && !this.#hosts.has(hostName(headers.host ?? '')))
      return { status: 421, message: 'the Host header names another server' };
    if (this.#token === null || open || this.#token.isIn(headers.authorization)) return null;
    return { status: 401, message: 'a valid bearer token is needed' };
  }

  /** Of those who may ask: who may ask for a change. */
  changeRefusal(method: string, headers: IncomingHttpHeaders): Refusal | null {
    if (method === 'GET' || method === 'HEAD') return null;
    if (fromElsewhere(headers)) return { status: 403, message: 'asked by a page of another server' };
    if (method !== 'POST' || /^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) return null;
    return { status: 415, message: 'what changes something is asked for in application/json' };
  }
}

function fromElsewhere({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  return origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`;
}
