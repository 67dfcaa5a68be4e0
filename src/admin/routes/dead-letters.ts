import { z } from 'zod';
import type { AgentView } from '../agent-view.ts';
import { LetterShape, LettersShape, WholeLetterShape } from '../overview.ts';
import { Refusal, type Route } from '../route.ts';

const Query = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('At most so many.'),
  reason: z.string().optional(),
  sink: z.string().optional(),
});

/** Reading dead letters: those in the data directory of the agent that is asked. */
export function letterRoutes(view: AgentView): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/dead-letters',
      summary: 'Dead letters of this data directory, newest first, without their bodies.',
      query: Query,
      answer: LettersShape.extend({ items: z.array(LetterShape) }).meta({ id: 'DeadLetterList' }),
      handle: async ({ query }, reply) => {
        const { limit, reason, sink } = query as z.infer<typeof Query>;
        const items = view.letters({
          limit,
          ...(reason === undefined ? {} : { reason }),
          ...(sink === undefined ? {} : { sink }),
        });
        return reply.send({ ...view.letterStats(), items });
      },
    },
    {
      method: 'GET',
      path: '/v1/dead-letters/:id',
      summary: 'One dead letter, with its body.',
      answer: WholeLetterShape,
      problems: { 404: 'There is none of this id.' },
      handle: async ({ params }, reply) => {
        const letter = view.letter(params['id'] ?? '');
        if (letter === null) throw new Refusal(404, 'there is no dead letter of this id');
        return reply.send(letter);
      },
    },
  ];
}
