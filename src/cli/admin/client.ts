import { readFile } from 'node:fs/promises';
import type { AgentConfig } from '../../config/agent-config.ts';
import type { Member } from '../../coordination/group.ts';
import { CliFailure } from '../failure.ts';

/** Of nothing but headers and a short body. */
const answerMs = 15_000;

/** The admin interface of one agent. */
export class AdminClient {
  /** `http://127.0.0.1:8788` */
  readonly address: string;
  readonly #token: string | null;

  constructor(address: string, token: string | null) {
    this.address = address.replace(/\/+$/, '');
    this.#token = token;
  }

  async get<T>(path: string): Promise<T> {
    return (await (await this.#ask(path, { signal: AbortSignal.timeout(answerMs) })).json()) as T;
  }

  /** Waits as long as the agent works on it: a reload drains what it stops. */
  async post<T>(path: string, body: object): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return (await (await this.#ask(path, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as T;
  }

  /** The lines of an answer that goes on until the signal aborts or the agent ends it. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const { body } = await this.#ask(path, { signal });
    if (body === null) return;
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      rest += decoder.decode(chunk, { stream: true });
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield line;
    }
  }

  /** Throws a `CliFailure` that says what the agent said. */
  async #ask(path: string, init: RequestInit): Promise<Response> {
    const headers = { ...init.headers, ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }) };
    let answer: Response;
    try {
      answer = await fetch(`${this.address}${path}`, { ...init, headers });
    } catch (error) {
      if (init.signal?.aborted === true && init.method === undefined) throw error;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new CliFailure(`${this.address} does not answer: ${cause}`);
    }
    if (answer.ok) return answer;
    const problem = (await answer.json().catch(() => ({}))) as { readonly title?: string };
    throw new CliFailure(`${this.address}${path.replace(/\?.*/, '')}: ${answer.status} ${problem.title ?? ''}`.trimEnd());
  }
}

export async function readToken(config: AgentConfig): Promise<string | null> {
  const { tokenFile } = config.admin;
  if (tokenFile === null) return null;
  try {
    return (await readFile(tokenFile, 'utf8')).trim();
  } catch (error) {
    throw new CliFailure(`cannot read admin.token_file ${tokenFile}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Each member that serves it, asked by the token of this configuration. */
export function clientsOf(
  members: readonly Member[],
  token: string | null,
): readonly { readonly agent: string; readonly client: AdminClient }[] {
  return members.flatMap((member) => {
    const address = member.facts['admin'];
    return address === undefined
      ? []
      : [{ agent: member.agent, client: new AdminClient(reachable(address, member.host), token) }];
  });
}

/** Who listens on all addresses is reached by the name of its machine. */
function reachable(address: string, host: string): string {
  const url = new URL(address);
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = host;
  return url.origin;
}
