import { z } from 'zod';
import type { AgentView } from '../agent-view.ts';
import {
  InputShape,
  MailShape,
  MemberShape,
  type Overview,
  OverviewShape,
  PartitionShape,
  PointShape,
  PublisherShape,
  SinkShape,
  SpoolShape,
} from '../overview.ts';
import { Refusal, type Route } from '../route.ts';
import { together } from '../together.ts';

const OfSink = z.object({ sink: z.string().optional().describe('Of this sink only.') });
const OfAgent = OfSink.extend({ agent: z.string().optional().describe('Of this agent only.') });

/** `/v1/overview` and its parts, each of them read freshly. */
export function resourceRoutes(view: AgentView): readonly Route[] {
  const look = together(() => view.overview());
  const read = async (): Promise<Overview> => {
    const overview = await look();
    if (overview === null) throw new Refusal(503, 'the stores do not answer');
    return overview;
  };
  const problems = { 503: 'The stores do not answer.' };
  const matches = (query: Readonly<Record<string, unknown>>, one: { readonly sink?: string; readonly agent?: string }) =>
    (query['sink'] === undefined || query['sink'] === one.sink) && (query['agent'] === undefined || query['agent'] === one.agent);
  return [
    {
      method: 'GET',
      path: '/v1/overview',
      summary: 'Members, partitions, sinks, publishers, inputs, dead letters, mails and spool at one moment.',
      answer: OverviewShape,
      problems,
      handle: async (_asked, reply) => reply.send(await read()),
    },
    {
      method: 'GET',
      path: '/v1/members',
      summary: 'The living agents.',
      answer: z.object({ members: z.array(MemberShape) }),
      problems,
      handle: async (_asked, reply) => reply.send({ members: (await read()).members }),
    },
    {
      method: 'GET',
      path: '/v1/partitions',
      summary: 'Every partition with owner, epoch, lag and state.',
      query: OfSink,
      answer: z.object({ partitions: z.array(PartitionShape) }),
      problems,
      handle: async ({ query }, reply) =>
        reply.send({ partitions: (await read()).partitions.filter((one) => matches(query, { sink: one.sink })) }),
    },
    {
      method: 'GET',
      path: '/v1/sinks',
      summary: 'Every sink with what it does at the moment.',
      answer: z.object({ sinks: z.array(SinkShape) }),
      problems,
      handle: async (_asked, reply) => reply.send({ sinks: (await read()).sinks }),
    },
    {
      method: 'GET',
      path: '/v1/publishers',
      summary: 'Every target of every sink in every agent: what it took, what waits for it, its breaker.',
      query: OfAgent,
      answer: z.object({ publishers: z.array(PublisherShape) }),
      problems,
      handle: async ({ query }, reply) =>
        reply.send({ publishers: (await read()).publishers.filter((one) => matches(query, one)) }),
    },
    {
      method: 'GET',
      path: '/v1/inputs',
      summary: 'Every input of every agent.',
      answer: z.object({ inputs: z.array(InputShape) }),
      problems,
      handle: async (_asked, reply) => reply.send({ inputs: (await read()).inputs }),
    },
    {
      method: 'GET',
      path: '/v1/history',
      summary: 'Rates and lag of the last hour.',
      answer: z.object({ everyMs: z.int(), points: z.array(PointShape) }),
      handle: async (_asked, reply) => reply.send(view.history()),
    },
    {
      method: 'GET',
      path: '/v1/mail',
      summary: 'The queue of mails of this agent.',
      answer: MailShape,
      problems: { ...problems, 404: 'This agent sends no mails.' },
      handle: async (_asked, reply) => reply.send(present((await read()).mail, 'this agent sends no mails')),
    },
    {
      method: 'GET',
      path: '/v1/spool',
      summary: 'The spooler of this agent.',
      answer: SpoolShape,
      problems: { ...problems, 404: 'This agent runs no spooler.' },
      handle: async (_asked, reply) => reply.send(present((await read()).spool, 'this agent runs no spooler')),
    },
  ];
}

function present<T>(value: T | null, otherwise: string): T {
  if (value === null) throw new Refusal(404, otherwise);
  return value;
}
