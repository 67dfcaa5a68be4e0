import { z } from 'zod';
import { given } from '../../lib/given.ts';
import type { AgentView } from '../agent-view.ts';
import { LetterShape, LettersShape, letterFields, WholeLetterShape } from '../overview.ts';
import { Refusal, type Route } from '../route.ts';

const Query = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('At most so many.'),
  ids: z
    .string()
    .transform((text) => text.split(','))
    .optional()
    .describe('These, with commas between.'),
  ...letterFields,
  since: z.coerce.number().optional().describe('Epoch ms; last seen then or later.'),
  before: z.coerce.number().optional().describe('Epoch ms; last seen before.'),
});

const List = LettersShape.extend({
  keptIn: z.string().describe('Machine and folder: agents that say the same share their dead letters.'),
  items: z.array(LetterShape),
}).meta({ id: 'DeadLetterList' });

/** Reading dead letters: those in the data directory of the agent that is asked. */
export function letterRoutes(view: AgentView): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/dead-letters',
      summary: 'Dead letters of this data directory, newest first, without their bodies.',
      query: Query,
      answer: List,
      handle: async ({ query }, reply) => {
        const { limit, ...filter } = query as z.infer<typeof Query>;
        const items = view.letters({ ...given(filter), limit });
        return reply.send({ ...view.letterStats(), keptIn: view.lettersKeptIn, items });
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
