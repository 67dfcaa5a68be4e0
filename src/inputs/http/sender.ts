import { Fault } from '../../model/faults.ts';

interface Refused {
  readonly title?: unknown;
  readonly failed?: unknown;
}

/** Posts notifications to the HTTP input as JSON Lines, and counts only what was answered with 202 or named as accepted. */
export class HttpSender {
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;

  /** A URL without a path means ours. */
  constructor(url: URL, token: string | undefined) {
    this.#url = new URL(url);
    if (this.#url.pathname === '/') this.#url.pathname = '/v1/notifications';
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#headers = { 'content-type': 'application/x-ndjson', ...authorization };
  }

  /** Returns the lines that were not taken and may be later (with the pause the server asks for). Throws Faults. */
  async send(
    lines: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly left: readonly string[]; readonly afterMs: number }> {
    const answer = await this.#post(`${lines.join('\n')}\n`, signal);
    if (answer.status === 202) {
      await answer.body?.cancel();
      return { left: [], afterMs: 0 };
    }
    const refused = (await answer.json().catch(() => ({}))) as Refused;
    const afterMs = Number(answer.headers.get('retry-after') ?? '1') * 1000 || 1000;
    if (answer.status === 429 || answer.status >= 500) return { left: leftOf(lines, refused), afterMs };
    const title = typeof refused.title === 'string' ? refused.title : answer.statusText;
    const hint = answer.status === 413 ? ' (send with a smaller --batch)' : '';
    throw new Fault('fatal', 'http_status', `${this.#url.origin} answered ${answer.status}: ${title}${hint}`);
  }

  async #post(body: string, signal: AbortSignal): Promise<Response> {
    try {
      return await fetch(this.#url, { method: 'POST', headers: this.#headers, body, redirect: 'error', signal });
    } catch (thrown) {
      signal.throwIfAborted();
      const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause.message : String(thrown);
      throw new Fault('retryable', 'http_unreachable', `cannot reach ${this.#url.origin}: ${cause}`, { cause: thrown });
    }
  }
}

/** The lines that the answer names; all of them when it names none (a proxy in between speaks for itself). */
function leftOf(lines: readonly string[], refused: Refused): readonly string[] {
  if (!Array.isArray(refused.failed)) return lines;
  const named = new Set(refused.failed.map((one: { readonly line?: unknown } | null) => one?.line));
  return lines.filter((_, index) => named.has(index + 1));
}
