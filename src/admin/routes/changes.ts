import { z } from 'zod';
import { type AgentActions, LetterChange, LetterChoice, ReloadAnswer } from '../agent-actions.ts';
import { Refusal, type Route } from '../route.ts';

const WaitingQuery = z.object({ ids: z.string().optional().describe('These, with commas between; without it all.') });
const Waiting = z.object({ waiting: z.int().describe('Letters whose retry is not through yet.') }).meta({ id: 'LettersWaiting' });

/** What may be asked of the agent that is asked: its own data directory, its own configuration. */
export function changeRoutes(actions: AgentActions): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/dead-letters/retry',
      summary: 'Try dead letters again, in the background. What is through leaves; what fails again stays.',
      body: LetterChoice,
      answer: LetterChange,
      handle: async ({ body }) => actions.retryLetters(chosen(body)),
    },
    {
      method: 'POST',
      path: '/v1/dead-letters/drop',
      summary: 'Remove dead letters for good.',
      body: LetterChoice,
      answer: LetterChange,
      handle: async ({ body }) => actions.dropLetters(chosen(body)),
    },
    {
      method: 'GET',
      path: '/v1/dead-letters/waiting',
      summary: 'How many dead letters still wait for their retry.',
      query: WaitingQuery,
      answer: Waiting,
      handle: async ({ query }) => {
        const { ids } = query as z.infer<typeof WaitingQuery>;
        return { waiting: actions.lettersWaiting(ids?.split(',')) };
      },
    },
    {
      method: 'POST',
      path: '/v1/reload',
      summary: 'Load the configuration of this agent anew. 200 also where it could not be taken up: `ok` says.',
      answer: ReloadAnswer,
      handle: async () => actions.reload(),
    },
  ];
}

/** A request that forgot to say which must not mean all. */
function chosen(body: unknown): LetterChoice {
  const choice = body as LetterChoice;
  const { force: _, dryRun: __, limit: ___, ...which } = choice;
  if (Object.keys(which).length === 0) throw new Refusal(400, 'say which: ids, a filter, or all');
  return choice;
}
