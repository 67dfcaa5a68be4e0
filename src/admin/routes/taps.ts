import type { OutgoingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { type AgentActions, type TapWish, Trace } from '../agent-actions.ts';
import { Refusal, type Route } from '../route.ts';

const TapQuery = z.object({
  what: z.string().min(1).describe('A sink, an input, or a partition by its whole name.'),
  stage: z.enum(['converted', 'appended', 'out']),
  filter: z.string().max(4_096).optional().describe('An expression over the item, as the transformer `filter` has it.'),
  rate: z.coerce.number().min(1).max(10_000).default(1_000).describe('At most so many items a second.'),
});

const maxTaps = 8;
/** Who has so much unread misses what comes until it has read some. */
const maxUnreadBytes = 1024 * 1024;
const quietMs = 15_000;

/**
 * `GET /v1/tap`: items as they flow through this agent, one `data:` line each, for as long as the client reads. What it does not read in time, or what is
 * beyond its rate or its time, is counted, and the next line says so (`missed`), or an event of that name while there is no line.
 */
export function tapRoute(actions: AgentActions): Route {
  let open = 0;
  return {
    method: 'GET',
    path: '/v1/tap',
    summary: 'Items as they flow, as server-sent events.',
    query: TapQuery,
    answer: 'text/event-stream',
    problems: { 400: 'The filter is no expression.', 503: `${maxTaps} taps are open.` },
    handle: async ({ query }, reply) => {
      if (open >= maxTaps) throw new Refusal(503, `${maxTaps} taps are open already`);
      const { what, stage, filter, rate } = query as z.infer<typeof TapQuery>;
      const wish: TapWish = { what, stage, filter: filter ?? null, perSecond: rate };
      const response = reply.raw;
      const stop = opened(() =>
        actions.tap(wish, (lines, missed) => {
          if (response.destroyed || response.writableLength > maxUnreadBytes) return false;
          // One write for all: each is a call into the kernel.
          response.write(
            lines.length === 0 ? `event: missed\ndata: ${missed}\n\n` : lines.map((line) => `data: ${line}\n\n`).join(''),
          );
          return true;
        }),
      );
      open += 1;
      reply.hijack();
      response.writeHead(200, {
        ...(reply.getHeaders() as OutgoingHttpHeaders),
        'content-type': 'text/event-stream; charset=utf-8',
        'x-accel-buffering': 'no',
      });
      response.on('error', () => undefined); // its `close` follows
      response.write(': open\n\n');
      const quiet = setInterval(() => {
        if (!response.destroyed) response.write(': still here\n\n');
      }, quietMs);
      response.once('close', () => {
        open -= 1;
        clearInterval(quiet);
        stop();
      });
    },
  };
}

function opened(open: () => () => void): () => void {
  try {
    return open();
  } catch (error) {
    throw new Refusal(400, `filter: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function traceRoute(actions: AgentActions): Route {
  return {
    method: 'GET',
    path: '/v1/trace/:id',
    summary: 'What this agent still knows of the way of one notification: the latest steps of all are kept, 32,768 of them.',
    answer: Trace,
    handle: async ({ params }) => actions.trace(params['id'] ?? ''),
  };
}
