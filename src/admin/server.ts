import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { Fault } from '../model/faults.ts';
import type { Scraped } from '../telemetry/telemetry.ts';
import { Access } from './access.ts';
import type { Health } from './health.ts';
import { openApi } from './openapi.ts';
import { sendProblem } from './problem.ts';
import { Refusal, type Route } from './route.ts';
import { RouteTable } from './route-table.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoute, statusRoute } from './routes/metrics.ts';

/** What a process shows of itself, and what may be asked of it. */
export interface AdminOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly token: string | null;
  readonly health: Health;
  readonly version: string;
  readonly metrics: () => Promise<Scraped>;
  /** Null when the stores do not answer. */
  readonly status: () => Promise<object | null>;
  /** What else there is. */
  readonly routes?: readonly Route[];
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
/** Of a body. Nobody has more to say than a list of ids. */
const bodyLimit = 64 * 1024;

/** `GET /livez`, `/readyz`, `/healthz`, `/metrics`, `/version`, `/v1/status` and the routes that are given. Throws a fatal Fault when it cannot or must not listen there. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { host, port, version } = options;
  const access = new Access(host, options.token);
  const routes = [
    ...healthRoutes(options.health, version),
    metricsRoute(options.metrics),
    statusRoute(options.status),
    ...(options.routes ?? []),
  ];
  const table = new RouteTable([...routes, openApi(routes, version)]);
  const app = createApp(options.requestMs ?? defaultRequestMs, table);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    const path = request.url.replace(/\?.*$/, '');
    const refuse = ({ status, message }: { readonly status: number; readonly message: string }) => {
      if (status === 401) reply.header('www-authenticate', 'Bearer');
      if (request.method !== 'GET' && request.method !== 'HEAD') reply.header('connection', 'close'); // its body is not read
      return sendProblem(reply, status, message);
    };
    const refusal = access.refusal(table.isOpen(path), request.headers);
    if (refusal !== null) return refuse(refusal);
    const methods = table.methods(path);
    if (methods.length > 0 && !methods.includes(request.method)) {
      reply.header('allow', methods.join(', '));
      return refuse({ status: 405, message: `only ${methods.join(', ')}` });
    }
    const change = access.changeRefusal(request.method, request.headers);
    if (change !== null) return refuse(change);
  });
  for (const route of table.routes) addRoute(app, route);
  try {
    const address = await app.listen({ host, port });
    return { address, close: () => app.close() };
  } catch (error) {
    throw new Fault('fatal', 'cannot_listen', `admin.listen: cannot listen on ${host}:${port}`, { cause: error });
  }
}

function addRoute(app: FastifyInstance, route: Route): void {
  app.route({
    method: route.method,
    url: route.path,
    // A stream has no end that a HEAD could wait for.
    exposeHeadRoute: route.method === 'GET' && route.answer !== 'text/event-stream',
    handler: async (request, reply) => {
      try {
        return await route.handle(
          {
            params: request.params as Readonly<Record<string, string>>,
            query: checked(route, 'query', request) as Readonly<Record<string, unknown>>,
            body: checked(route, 'body', request),
            request,
          },
          reply,
        );
      } catch (error) {
        if (error instanceof Refusal) return sendProblem(reply, error.status, error.message);
        throw error;
      }
    },
  });
}

function checked(route: Route, part: 'query' | 'body', request: FastifyRequest): unknown {
  const shape = route[part];
  if (shape === undefined) return part === 'query' ? request.query : undefined;
  const read = shape.safeParse(request[part] ?? {});
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new Refusal(
    400,
    `${part}${(issue?.path ?? []).map((step) => `.${String(step)}`).join('')}: ${issue?.message ?? 'is wrong'}`,
  );
}

function createApp(requestMs: number, table: RouteTable): FastifyInstance {
  const app = fastify({
    bodyLimit,
    requestTimeout: requestMs,
    keepAliveTimeout: requestMs,
    forceCloseConnections: true,
    http: { headersTimeout: requestMs, connectionsCheckingInterval: slowClientCheckMs },
  }) as unknown as FastifyInstance;
  app.server.maxConnections = maxConnections;
  app.setErrorHandler((error, _request, reply: FastifyReply) => {
    const { statusCode = 500, message } = error as { readonly statusCode?: number; readonly message?: string };
    // What fails inside says nothing about itself to the outside.
    return sendProblem(reply, statusCode, statusCode >= 500 ? 'internal error' : (message ?? ''));
  });
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, `there is: ${table.paths.join(', ')}`));
  return app;
}
