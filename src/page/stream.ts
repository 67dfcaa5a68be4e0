import type { Told } from '../admin/agent-view.ts';
import type { Overview, Point } from '../admin/overview.ts';

export interface Heard {
  readonly history: (history: { readonly everyMs: number; readonly points: readonly Point[] }) => void;
  readonly overview: (overview: Overview) => void;
  readonly point: (point: Point) => void;
  readonly told: (told: Told) => void;
  readonly stale: (at: number) => void;
  readonly connected: () => void;
  readonly lost: (why: string) => void;
  /** The token is missing or wrong; resolves with another one. */
  readonly askToken: () => Promise<string>;
}

const tokenKey = 'ceilograph.token';
const silentMs = 40_000;
const longestPauseMs = 5_000;

/** Requests to the agent that serves this page, with the token where one is needed. */
export function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const token = sessionStorage.getItem(tokenKey);
  const headers = { ...init.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
  return fetch(path, { ...init, headers });
}

/** What the agent can do, by its own description. */
export async function learnPaths(): Promise<ReadonlySet<string>> {
  const answer = await ask('/v1/openapi.json');
  if (!answer.ok) return new Set();
  const { paths } = (await answer.json()) as { readonly paths: Readonly<Record<string, object>> };
  return new Set(Object.keys(paths));
}

/**
 * The stream of server-sent events, for ever: what breaks off is begun anew, each time a little later up to five seconds. By `fetch`, as
 * EventSource can carry no token.
 */
export async function follow(heard: Heard): Promise<never> {
  let failures = 0;
  for (;;) {
    try {
      const response = await ask('/v1/events');
      if (response.status === 401) sessionStorage.setItem(tokenKey, await heard.askToken());
      else if (!response.ok || response.body === null) throw new Error(`the agent answered ${response.status}`);
      else {
        failures = 0;
        heard.connected();
        await read(response.body, heard);
        throw new Error('the agent ended the stream');
      }
    } catch (error) {
      failures += 1;
      heard.lost(error instanceof Error ? error.message : String(error));
      await new Promise((resolve) => setTimeout(resolve, Math.min(longestPauseMs, 500 * failures)));
    }
  }
}

async function read(body: ReadableStream<Uint8Array>, heard: Heard): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const silent = setTimeout(() => void reader.cancel(), silentMs);
    const { done, value } = await reader.read().finally(() => clearTimeout(silent));
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) dispatch(block, heard);
  }
}

function dispatch(block: string, heard: Heard): void {
  const field = (name: string) =>
    block
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2);
  const data = field('data');
  if (data === undefined) return;
  const value = JSON.parse(data);
  switch (field('event')) {
    case 'history':
      heard.history(value);
      break;
    case 'overview':
      heard.overview(value);
      break;
    case 'point':
      heard.point(value);
      break;
    case 'told':
      heard.told(value);
      break;
    case 'stale':
      heard.stale(value.at);
      break;
  }
}
