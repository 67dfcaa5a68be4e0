import type { AgentActions, LetterChange, LetterChoice } from '../admin/agent-actions.ts';
import { given } from '../lib/given.ts';
import type { Chosen, DeadLetters } from '../pipeline/dead-letters.ts';
import type { LetterFilter } from '../pipeline/letter-filter.ts';
import type { Watching } from '../pipeline/watching.ts';
import type { ReloadAnswer } from './reload.ts';

const shown = 1_000;
const mostLetters = 100;

export function agentActions(
  deadLetters: DeadLetters,
  { taps, traces }: Pick<Watching, 'taps' | 'traces'>,
  reload: () => Promise<ReloadAnswer>,
): AgentActions {
  return {
    retryLetters: async (choice) => {
      const chosen = deadLetters.chooseForRetry(filterOf(choice), { ...limitOf(choice), force: choice.force });
      return changeOf(chosen, choice.dryRun ? 0 : await deadLetters.requestRetry(chosen.ids));
    },
    dropLetters: async (choice) => {
      const chosen = deadLetters.chooseForDrop(filterOf(choice), limitOf(choice));
      return changeOf(chosen, choice.dryRun ? 0 : await deadLetters.remove(chosen.ids));
    },
    lettersWaiting: (ids) => deadLetters.waitingForRetry(ids),
    reload,
    tap: (wish, hear) => taps.open(wish, hear),
    trace: (id) => ({
      steps: traces.find(id),
      letters: deadLetters.list({ messageId: id, limit: mostLetters }).map(({ body: _, ...letter }) => letter),
    }),
  };
}

function filterOf({ all: _, limit: __, force: ___, dryRun: ____, ...filter }: LetterChoice): LetterFilter {
  return given(filter);
}

function limitOf({ limit }: LetterChoice): { readonly limit?: number } {
  return limit === undefined ? {} : { limit };
}

function changeOf({ ids, leftOut }: Chosen, changed: number): LetterChange {
  return { chosen: ids.length, changed, ids: ids.slice(0, shown), leftOut: { ...leftOut } };
}
