import type { LetterChange } from '../../admin/agent-actions.ts';
import type { LetterNow, LetterStats } from '../../admin/overview.ts';
import { given } from '../../lib/given.ts';
import type { StoredLetter } from '../../pipeline/dead-letters.ts';
import type { LetterFilter } from '../../pipeline/letter-filter.ts';
import type { AskedAgent } from '../admin/agents.ts';
import type { AdminClient } from '../admin/client.ts';
import type { Asked, LetterBox, ListedLetter } from './letter-box.ts';

type Answer = LetterStats & { readonly keptIn: string; readonly items: readonly LetterNow[] };

/** What one address may hold of ids; Node reads 16 KiB of headers. */
const idsAtOnce = 200;
const mostListed = 1_000;
const none: Answer = { letters: 0, bytes: 0, evicted: 0, byReason: {}, keptIn: '', items: [] };

/** One log of dead letters, by whoever of its agents was asked. */
interface Log {
  readonly agents: readonly string[];
  readonly client: AdminClient;
}

/**
 * The dead letters of all agents, asked by their admin interfaces. Agents of one data directory share theirs, and one of them is asked. The
 * same letter may lie in several logs; it is shown once, and tried again or dropped in each. An agent that does not answer fails the
 * whole: half a list reads like a whole one.
 */
export async function openClusterBox(asked: readonly AskedAgent[]): Promise<LetterBox> {
  const places = new Map<string, Log>();
  await Promise.all(
    asked.map(async ({ agent, client }) => {
      const { keptIn } = await client.get<Answer>('/v1/dead-letters?limit=1');
      const known = places.get(keptIn);
      places.set(keptIn, { agents: [...(known?.agents ?? []), agent].sort(), client: known?.client ?? client });
    }),
  );
  const logs = [...places.values()];
  const each = <T>(ask: (log: Log) => Promise<T>): Promise<readonly T[]> => Promise.all(logs.map(ask));
  const change = async (path: string, body: object): Promise<Asked> =>
    together(await each(({ client }) => client.post<LetterChange>(`/v1/dead-letters/${path}`, body)));
  return {
    list: async (filter, limit) => {
      const query = queryOf({ ...filter, limit: Math.min(limit, mostListed) });
      const answers = await each(async ({ agents, client }) => ({
        agents,
        answer: await client.get<Answer>(`/v1/dead-letters?${query}`),
      }));
      const letters = answers.flatMap(({ agents, answer }) => answer.items.map((letter) => ({ agents, letter })));
      return {
        letters: merged(letters)
          .sort((a, b) => b.lastSeen - a.lastSeen)
          .slice(0, limit),
        stats: answers.map(({ answer }) => answer).reduce(sum, none),
      };
    },
    get: async (id) => {
      for (const { client } of logs) {
        const there = await client.get<Answer>(`/v1/dead-letters?${queryOf({ ids: [id], limit: 1 })}`);
        if (there.items.length > 0) return await client.get<StoredLetter>(`/v1/dead-letters/${encodeURIComponent(id)}`);
      }
      return undefined;
    },
    retry: (filter, options) => change('retry', choiceOf(filter, options)),
    drop: (filter, options) => change('drop', choiceOf(filter, options)),
    progress: async (ids) => {
      let [waiting, letters] = [0, 0];
      for (let from = 0; from < ids.length; from += idsAtOnce) {
        const some = ids.slice(from, from + idsAtOnce);
        const answers = await each(async ({ client }) => ({
          waits: (await client.get<{ waiting: number }>(`/v1/dead-letters/waiting?ids=${some.join(',')}`)).waiting,
          there: (await client.get<Answer>(`/v1/dead-letters?${queryOf({ ids: some, limit: idsAtOnce })}`)).items,
        }));
        waiting += answers.reduce((total, { waits }) => total + waits, 0);
        letters += answers.reduce((total, { there }) => total + there.length, 0);
      }
      return { waiting, letters };
    },
    close: async () => undefined,
  };
}

function queryOf(filter: LetterFilter & { readonly limit: number }): URLSearchParams {
  return new URLSearchParams(Object.entries(given(filter)).map(([name, value]): [string, string] => [name, String(value)]));
}

/** A command has checked that it was said which, so no filter means all. */
function choiceOf(filter: LetterFilter, options: object): object {
  return { ...(Object.keys(filter).length === 0 ? { all: true } : filter), ...options };
}

/** `limit` holds for each log. */
function together(changes: readonly LetterChange[]): Asked {
  const leftOut: Record<string, number> = {};
  for (const change of changes)
    for (const [why, count] of Object.entries(change.leftOut)) leftOut[why] = (leftOut[why] ?? 0) + count;
  const total = (of: (change: LetterChange) => number) => changes.reduce((sum, change) => sum + of(change), 0);
  return {
    chosen: total(({ chosen }) => chosen),
    changed: total(({ changed }) => changed),
    ids: [...new Set(changes.flatMap(({ ids }) => ids))],
    leftOut,
  };
}

function merged(found: readonly { readonly agents: readonly string[]; readonly letter: LetterNow }[]): ListedLetter[] {
  const letters = new Map<string, ListedLetter>();
  for (const { agents, letter } of found) {
    const known = letters.get(letter.id);
    const { retries, ...rest } = letter;
    const tried = Math.max(retries ?? 0, known?.retries ?? 0);
    letters.set(letter.id, {
      ...rest,
      firstSeen: Math.min(letter.firstSeen, known?.firstSeen ?? letter.firstSeen),
      lastSeen: Math.max(letter.lastSeen, known?.lastSeen ?? 0),
      times: letter.times + (known?.times ?? 0),
      ...(tried === 0 ? {} : { retries: tried }),
      agents: [...(known?.agents ?? []), ...agents],
    });
  }
  return [...letters.values()];
}

function sum(total: Answer, { letters, bytes, evicted, byReason }: Answer): Answer {
  const reasons: Record<string, number> = { ...total.byReason };
  for (const [reason, count] of Object.entries(byReason)) reasons[reason] = (reasons[reason] ?? 0) + count;
  return {
    ...total,
    letters: total.letters + letters,
    bytes: total.bytes + bytes,
    evicted: total.evicted + evicted,
    byReason: reasons,
  };
}
