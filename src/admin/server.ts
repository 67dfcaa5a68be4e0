import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { Fault } from '../model/faults.ts';
import type { Scraped } from '../telemetry/telemetry.ts';
import { Access } from './access.ts';
import type { Health } from './health.ts';

/** What an agent shows of itself. Nothing here changes anything. */
export interface AdminOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly token: string | null;
  readonly health: Health;
  readonly metrics: () => Promise<Scraped>;
  /** Null when the stores do not answer. */
  readonly status: () => Promise<object | null>;
  /** How long a client may take to ask; who holds a connection without asking is cut off then. */
  readonly requestMs?: number;
}

export interface Admin {
  /** `http://127.0.0.1:8788` */
  readonly address: string;
  close(): Promise<void>;
}

/** No client needs long for a few headers. */
const defaultRequestMs = 5_000;
/** Node looks for slow clients so often; its default of 30 s would make the limit a rough one. */
const slowClientCheckMs = 500;
const maxConnections = 64;

/** `GET /healthz`, `/metrics`, `/v1/status`. Throws a fatal Fault when it cannot or must not listen there. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port, health } = options;
  const access = new Access(host, options.token);
  const app = createApp(options.requestMs ?? defaultRequestMs);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    const refusal = access.refusal(request.method, request.url.replace(/\?.*$/, ''), request.headers);
    if (refusal === null) return;
    if (refusal.status === 401) reply.header('www-authenticate', 'Bearer');
    if (refusal.status === 405) reply.header('allow', 'GET, HEAD').header('connection', 'close'); // its body is not read
    return sendProblem(reply, refusal.status, refusal.message);
  });
  app.get('/healthz', async (_request, reply) =>
    reply.code(health.reason === null ? 200 : 503).send({ ok: health.reason === null, reason: health.reason }),
  );
  const [metrics, status] = [together(options.metrics), together(options.status)];
  app.get('/metrics', async (_request, reply) => {
    const { contentType, text } = await metrics();
    return reply.type(contentType).send(text);
  });
  app.get('/v1/status', async (_request, reply) => {
    const answer = await status();
    return answer === null ? sendProblem(reply, 503, 'the stores do not answer') : reply.send(answer);
  });
  try {
    const address = await app.listen({ host, port });
    return { address, close: () => app.close() };
  } catch (error) {
    throw new Fault('fatal', 'cannot_listen', `admin.listen: cannot listen on ${host}:${port}`, { cause: error });
  }
}

function createApp(requestMs: number): FastifyInstance {
  const app = fastify({
    bodyLimit: 64 * 1024,
    requestTimeout: requestMs,
    keepAliveTimeout: requestMs,
    forceCloseConnections: true,
    http: { headersTimeout: requestMs, connectionsCheckingInterval: slowClientCheckMs },
  }) as unknown as FastifyInstance;
  app.server.maxConnections = maxConnections;
  app.setErrorHandler((error, _request, reply) => {
    const { statusCode = 500, message } = error as { readonly statusCode?: number; readonly message?: string };
    // What fails inside says nothing about itself to the outside.
    return sendProblem(reply, statusCode, statusCode >= 500 ? 'internal error' : (message ?? ''));
  });
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, 'there is: /healthz, /metrics, /v1/status'));
  return app;
}

function sendProblem(reply: FastifyReply, status: number, title: string): FastifyReply {
  return reply.code(status).type('application/problem+json').send(JSON.stringify({ title, status }));
}

/** Who asks while somebody else waits for the same answer gets that one: many who ask cost no more than one. */
function together<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | null = null;
  return () => {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };
}
