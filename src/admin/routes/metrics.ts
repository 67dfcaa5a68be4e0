import { z } from 'zod';
import type { Scraped } from '../../telemetry/telemetry.ts';
import { Refusal, type Route } from '../route.ts';
import { together } from '../together.ts';

export function metricsRoute(scrape: () => Promise<Scraped>): Route {
  const scraped = together(scrape);
  return {
    method: 'GET',
    path: '/metrics',
    summary: 'Metrics as Prometheus reads them.',
    answer: 'text/plain',
    handle: async (_asked, reply) => {
      const { contentType, text } = await scraped();
      return reply.type(contentType).send(text);
    },
  };
}

export function statusRoute(read: () => Promise<object | null>): Route {
  const status = together(read);
  return {
    method: 'GET',
    path: '/v1/status',
    summary: 'What `ceilograph status --json` prints.',
    answer: z.looseObject({}),
    problems: { 503: 'The stores do not answer.' },
    handle: async (_asked, reply) => {
      const answer = await status();
      if (answer === null) throw new Refusal(503, 'the stores do not answer');
      return reply.send(answer);
    },
  };
}
