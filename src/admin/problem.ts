import type { FastifyReply } from 'fastify';

/** An answer that says what is wrong, as RFC 9457 has it. */
export function sendProblem(reply: FastifyReply, status: number, title: string): FastifyReply {
  return reply.code(status).type('application/problem+json').send(JSON.stringify({ title, status }));
}
