import { type FastifyInstance, fastify } from 'fastify';

/** A web server that keeps what it is sent, or answers with an error, or takes it and says nothing. */
export class HttpTarget {
  readonly bodies: string[] = [];
  port = 0;
  answering: 'ok' | 'error' = 'ok';
  #server: FastifyInstance | undefined;

  async listen(): Promise<void> {
    const server = fastify({ forceCloseConnections: true, bodyLimit: 64 * 1024 * 1024 });
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    let turn = 0;
    server.post('/*', async (request, reply) => {
      if (this.answering === 'error') {
        turn += 1;
        return reply.code([500, 503, 429, 502][turn % 4] ?? 500).send('not now');
      }
      this.bodies.push(String(request.body));
      return reply.code(200).header('content-type', 'application/json').send('{}');
    });
    this.port = Number(new URL(await server.listen({ port: this.port, host: '127.0.0.1' })).port);
    this.#server = server;
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}
