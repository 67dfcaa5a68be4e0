import { z } from 'zod';
import type { Health } from '../health.ts';
import type { Route } from '../route.ts';

const Verbose = z.object({ verbose: z.string().optional().describe('With it: one line per check, as text.') });
const Told = z.object({ ok: z.boolean(), reason: z.string().nullable() });

/**
 * `/livez`: the process turns; who kills what does not answer asks this. `/readyz`: it does what it should and may be sent traffic; not
 * while it starts, not from the first moment of stopping on. `/healthz` is its older name.
 */
export function healthRoutes(health: Health, version: string): readonly Route[] {
  const ready = (path: string): Route => ({
    method: 'GET',
    path,
    summary: 'Whether the agent does what it should.',
    open: true,
    query: Verbose,
    answer: Told,
    problems: { 503: 'It does not; the body says why.' },
    handle: async ({ query }, reply) => {
      reply.code(health.reason === null ? 200 : 503);
      if (query['verbose'] === undefined) return reply.send({ ok: health.reason === null, reason: health.reason });
      const lines = health
        .checks()
        .map(({ name, reason }) => (reason === null ? `[+]${name} ok` : `[-]${name} failed: ${reason}`));
      return reply
        .type('text/plain; charset=utf-8')
        .send(`${lines.join('\n')}\n${health.reason === null ? 'ready' : 'not ready'}\n`);
    },
  });
  return [
    {
      method: 'GET',
      path: '/livez',
      summary: 'Whether the process turns.',
      open: true,
      answer: Told,
      handle: async (_asked, reply) => reply.send({ ok: true, reason: null }),
    },
    ready('/readyz'),
    ready('/healthz'),
    {
      method: 'GET',
      path: '/version',
      summary: 'Which build runs.',
      answer: z.object({ version: z.string(), node: z.string(), api: z.literal(1) }),
      handle: async (_asked, reply) => reply.send({ version, node: process.versions.node, api: 1 }),
    },
  ];
}
