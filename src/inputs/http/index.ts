import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { aborted } from '../../lib/or-aborted.ts';
import { traceparentOf } from '../../lib/traceparent.ts';
import { Fault } from '../../model/faults.ts';
import { readConfigured, readSecret } from '../configured-file.ts';
import type { Input, InputContext, InputKind } from '../input.ts';
import { Gate } from './gate.ts';
import { inflate } from './inflate.ts';
import { Intake } from './intake.ts';
import { comeAgain, Problem } from './problem.ts';
import { reportsPath, toReportParts } from './reports.ts';
import { toParts } from './request-body.ts';
import { type HttpInputParameters, summary } from './schema.ts';

const path = '/v1/notifications';
/** How often Node looks for clients that are too slow; its default of 30 s would make the time limit a rough one. */
const slowClientCheckMs = 1_000;

export const http: InputKind<HttpInputParameters> = {
  name: 'http',
  summary,
  async open(parameters, context) {
    const { token_file, host, allowed_hosts } = parameters;
    const token = token_file === undefined ? undefined : await readSecret(token_file, context.baseDir);
    const app = createApp(parameters, await readTls(parameters, context.baseDir));
    return new HttpInput(parameters, context, app, new Gate(token, host, allowed_hosts));
  },
};

/**
 * A server whose 202 means: every notification of this request is durable. Everything else is the sender's to send again, and the
 * answer names the lines. Shutting down: new requests are told 503, those under way are answered, then the port is closed.
 */
class HttpInput implements Input {
  readonly #parameters: HttpInputParameters;
  readonly #context: InputContext;
  readonly #app: FastifyInstance;
  readonly #intake: Intake;
  #requests = 0;
  #quiet: () => void = () => {};

  constructor(parameters: HttpInputParameters, context: InputContext, app: FastifyInstance, gate: Gate) {
    this.#parameters = parameters;
    this.#context = context;
    this.#app = app;
    this.#intake = new Intake(context, {
      prefetch: parameters.prefetch,
      roomTimeoutMs: parameters.room_timeout_ms,
      settleTimeoutMs: parameters.settle_timeout_ms,
    });
    app.addHook('onRequest', async (request, reply) => {
      gate.check(request.headers);
      if (context.soft.aborted) throw comeAgain(503, 'shutting down');
      if (this.#requests >= parameters.max_requests) throw comeAgain(429, 'too many requests at a time');
      this.#requests += 1;
      reply.raw.once('close', () => this.#ended()); // comes once, answered or broken off
    });
    app.post(path, (request, reply) => this.#accept(request, reply, toParts));
    const toReports: typeof toParts = (body, ndjson, most) => toReportParts(body, ndjson, most, randomUUID, context.clock.now());
    app.post(reportsPath, (request, reply) => this.#accept(request, reply, toReports));
  }

  async run(): Promise<void> {
    const { soft, hard, report } = this.#context;
    const { host, port, tls } = this.#parameters;
    try {
      const address = await this.#app.listen({ host, port });
      report({ kind: 'connected', detail: `${address.replace(/^https?/, tls === undefined ? 'http' : 'https')}${path}` });
    } catch (error) {
      throw new Fault('fatal', 'cannot_listen', `cannot listen on ${host}:${port}`, { cause: error });
    }
    const failed = this.#intake.failed;
    await Promise.race([aborted(soft), aborted(hard), aborted(failed)]);
    if (!failed.aborted) await Promise.race([this.#allAnswered(), aborted(hard), aborted(failed)]);
    await this.close();
    if (failed.aborted) throw failed.reason;
  }

  /** The answer of a request is its proof: nothing settled before is ever asked for again by us. */
  async prove(): Promise<void> {}

  async sendCanary(): Promise<boolean> {
    return false; // our senders are others; the listener's own progress stands in
  }

  async close(): Promise<void> {
    if (this.#context.hard.aborted) this.#app.server.closeAllConnections();
    await this.#app.close();
  }

  async #accept(request: FastifyRequest, reply: FastifyReply, cut: typeof toParts): Promise<void> {
    const { body_limit_bytes, max_decompression_ratio, max_notifications } = this.#parameters;
    const bound = { maxBytes: body_limit_bytes, maxRatio: max_decompression_ratio };
    if (!(request.body instanceof Buffer)) throw new Problem(400, 'the request has no body');
    const body = await inflate(request.body, request.headers['content-encoding'], bound);
    const ndjson = /^application\/x-ndjson\b/i.test(request.headers['content-type'] ?? '');
    const parts = cut(body, ndjson, max_notifications);
    await this.#intake.take(parts, { peer: request.ip, traceparent: traceparentOf(request.headers['traceparent']) });
    await reply.code(202).send({ accepted: parts.length });
  }

  #ended(): void {
    this.#requests -= 1;
    if (this.#requests === 0) this.#quiet();
  }

  async #allAnswered(): Promise<void> {
    if (this.#requests > 0) {
      await new Promise<void>((resolve) => {
        this.#quiet = resolve;
      });
    }
    await this.#intake.idle(this.#context.hard).catch(() => undefined); // hard: leave with what is outstanding
  }
}

function createApp(parameters: HttpInputParameters, https: Readonly<Record<string, unknown>> | undefined): FastifyInstance {
  const { body_limit_bytes, request_timeout_ms } = parameters;
  const app = fastify({
    bodyLimit: body_limit_bytes,
    requestTimeout: request_timeout_ms,
    ...(https === undefined
      ? { http: { headersTimeout: request_timeout_ms, connectionsCheckingInterval: slowClientCheckMs } }
      : { https: { ...https, headersTimeout: request_timeout_ms, connectionsCheckingInterval: slowClientCheckMs } }),
  }) as unknown as FastifyInstance;
  app.removeAllContentTypeParsers();
  const asItIs = (_request: FastifyRequest, body: Buffer, done: (error: null, body: Buffer) => void) => done(null, body);
  app.addContentTypeParser(['application/json', 'application/x-ndjson'], { parseAs: 'buffer' }, asItIs);
  app.setErrorHandler((error, _request, reply) => sendProblem(error, reply));
  app.setNotFoundHandler((_request, reply) =>
    sendProblem(new Problem(404, `POST ${path} and POST ${reportsPath} are all there is`), reply),
  );
  return app;
}

/** Our own words, or Fastify's status (413, 415, 400); anything else is our bug and says nothing about itself to the outside. */
function sendProblem(error: unknown, reply: FastifyReply): FastifyReply {
  const { statusCode = 500, message } = error as { readonly statusCode?: number; readonly message?: string };
  const details = error instanceof Problem ? error.details : {};
  if (error instanceof Problem) reply.headers(error.headers);
  return reply
    .code(statusCode)
    .type('application/problem+json')
    .send(JSON.stringify({ title: statusCode === 500 ? 'internal error' : message, status: statusCode, ...details }));
}

async function readTls(
  { tls }: HttpInputParameters,
  baseDir: string | undefined,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (tls === undefined) return undefined;
  const [cert, key] = [await readConfigured(tls.cert_file, baseDir), await readConfigured(tls.key_file, baseDir)];
  if (tls.client_ca_file === undefined) return { cert, key };
  return { cert, key, ca: await readConfigured(tls.client_ca_file, baseDir), requestCert: true, rejectUnauthorized: true };
}
