import { Fault } from '../model/faults.ts';

/**
 * What a status says about the batch. Not the items' fault is all that an operator or time can heal: then we wait, and dead-letter
 * nothing. A bearer that ran out or a mistyped path must not empty the outbox into the dead letters.
 *
 * | status                       | meaning                                  | class |
 * |------------------------------|------------------------------------------|-------|
 * | 2xx                          | taken                                    | –         |
 * | 3xx                          | a redirect, never followed: wrong URL    | retryable |
 * | 401, 403, 407; 404, 405      | our credentials; our URL                 | retryable |
 * | 408, 425, 429                | not now (`Retry-After`)                  | retryable |
 * | 5xx                          | the server's trouble (`Retry-After`)     | retryable |
 * | other 4xx, and 1xx left over | this body will never be taken            | poison    |
 */
export function faultOfStatus(status: number, retryAfter: string | undefined, body: string, now: number): Fault | undefined {
  if (status >= 200 && status < 300) return undefined;
  const waitable = status >= 500 || (status >= 300 && status < 400) || [401, 403, 404, 405, 407, 408, 425, 429].includes(status);
  const retryAfterMs = waitable ? parseRetryAfter(retryAfter, now) : undefined;
  const said = body.trim() === '' ? '' : `: ${body.trim().slice(0, 200)}`;
  return new Fault(waitable ? 'retryable' : 'poison', 'http_status', `HTTP ${status}${said}`, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Seconds or an HTTP date; nonsense and the past count as not said, and no server may silence us for more than an hour. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  // A date begins with its weekday; JavaScript would take `-3` for one as well.
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : /^[A-Z]/i.test(text) ? Date.parse(text) - now : Number.NaN;
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, 3_600_000) : undefined;
}
