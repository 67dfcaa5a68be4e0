import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { AgentView, LiveNews } from '../agent-view.ts';
import { Refusal, type Route } from '../route.ts';

/** Each is a connection and a share of every look at the stores. */
const maxStreams = 16;
/** Who has so much unread does not read any more. */
const maxUnreadBytes = 4 * 1024 * 1024;
/** So often a quiet stream shows that it lives, for us and for what stands between. */
const quietMs = 15_000;

/**
 * `GET /v1/events`, a stream of server-sent events:
 *
 * - `history`: once, at the beginning: what `/v1/history` answers; `told` follows for what was told lately
 * - `overview`: what `/v1/overview` answers, every second or two
 * - `stale`: the stores do not answer; `at` says since when
 * - `point`: one more point of the history
 * - `told`: something that this agent told, as its log has it
 *
 * A client that does not read misses overviews first, since the next one says more than the last; with 4 MiB unread it is cut off.
 */
export function eventsRoute(view: AgentView): Route {
  let streams = 0;
  return {
    method: 'GET',
    path: '/v1/events',
    summary: 'All of it live, as server-sent events: history, overview, stale, point, told.',
    answer: 'text/event-stream',
    problems: { 503: `More than ${maxStreams} streams are open.` },
    handle: async ({ request }, reply) => {
      if (streams >= maxStreams) throw new Refusal(503, `${maxStreams} streams are open already`);
      streams += 1;
      reply.hijack();
      const stream = new Stream(reply.raw, reply.getHeaders() as OutgoingHttpHeaders);
      const stop = view.listen((news) => stream.tell(news));
      stream.send('history', view.history());
      const seen = Number(request.headers['last-event-id'] ?? 0);
      for (const told of view.told()) if (told.id > seen) stream.tell({ kind: 'told', told });
      const quiet = setInterval(() => stream.quiet(), quietMs);
      reply.raw.once('close', () => {
        streams -= 1;
        clearInterval(quiet);
        stop();
      });
    },
  };
}

class Stream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse, headers: OutgoingHttpHeaders) {
    this.#response = response;
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    response.on('error', () => undefined); // its `close` follows
    response.write('retry: 1000\n\n');
  }

  tell(news: LiveNews): void {
    switch (news.kind) {
      case 'overview':
        if (this.#response.writableLength === 0) this.send('overview', news.overview);
        break;
      case 'stale':
        this.send('stale', { at: news.at });
        break;
      case 'point':
        this.send('point', news.point);
        break;
      case 'told':
        this.send('told', news.told, news.told.id);
        break;
    }
  }

  send(event: string, data: unknown, id?: number): void {
    if (this.#response.destroyed) return;
    this.#response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (this.#response.writableLength > maxUnreadBytes) this.#response.destroy();
  }

  quiet(): void {
    if (!this.#response.destroyed) this.#response.write(': still here\n\n');
  }
}
