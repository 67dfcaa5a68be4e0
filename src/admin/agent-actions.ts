import { z } from 'zod';
import { letterFields } from './overview.ts';

/** Which dead letters; what is not given lets every letter through. */
export const LetterChoice = z
  .strictObject({
    ids: z.array(z.string()).max(1_000).optional().describe('These.'),
    ...letterFields,
    since: z.number().optional().describe('Epoch ms; last seen then or later.'),
    before: z.number().optional().describe('Epoch ms; last seen before.'),
    all: z.literal(true).optional().describe('Needed where nothing else says which.'),
    limit: z.int().min(1).optional().describe('At most so many, the oldest first.'),
    force: z.boolean().default(false).describe('Also what was tried again three times.'),
    dryRun: z.boolean().default(false).describe('Say which, and change nothing.'),
  })
  .meta({ id: 'LetterChoice' });
export type LetterChoice = z.infer<typeof LetterChoice>;

export const LetterChange = z
  .object({
    chosen: z.int(),
    changed: z.int().describe('Asked for, or dropped; 0 for a dry run.'),
    ids: z.array(z.string()).describe('The first 1,000 of the chosen.'),
    leftOut: z.record(z.string(), z.int()).describe('By reason, what cannot be tried again.'),
  })
  .meta({ id: 'LetterChange' });
export type LetterChange = z.infer<typeof LetterChange>;

export const ReloadAnswer = z
  .object({
    ok: z.boolean().describe('False: nothing has changed, and the configuration of before goes on.'),
    hash: z.string().describe('Of the configuration that runs: equal where two agents compute the same.'),
    problems: z.array(z.string()).optional().describe('Why not, with file, line and column.'),
    added: z.array(z.string()).optional(),
    changed: z.array(z.string()).optional(),
    removed: z.array(z.string()).optional(),
    unchanged: z.int().optional(),
    conversion: z.boolean().optional().describe('Definitions, conversion or limits are others than before.'),
    notes: z.array(z.string()).optional(),
  })
  .meta({ id: 'ReloadAnswer' });

/** What the admin server may have the agent around it do. */
export interface AgentActions {
  retryLetters(choice: LetterChoice): Promise<LetterChange>;
  dropLetters(choice: LetterChoice): Promise<LetterChange>;
  /** How many letters wait for their retry, of these or of all. */
  lettersWaiting(ids?: readonly string[]): number;
  reload(): Promise<object>;
  /**
   * Until the returned function is called. `hear` gets lines, or none and how many items passed unseen; it says false when it has no room. Throws
   * what is wrong with the filter.
   */
  tap(wish: TapWish, hear: (lines: readonly string[], missed: number) => boolean): () => void;
  trace(id: string): Trace;
}

export interface TapWish {
  readonly what: string;
  readonly stage: 'converted' | 'appended' | 'out';
  readonly filter: string | null;
  readonly perSecond: number;
}

export const Trace = z
  .object({
    steps: z
      .array(
        z.object({
          at: z.number().describe('Epoch ms, by the clock of this agent.'),
          step: z.string().describe('received, appended, accepted, committed, published'),
          input: z.string().optional(),
          origin: z.string().optional(),
          sink: z.string().optional(),
          unit: z.string().optional(),
          epoch: z.int().optional(),
          version: z.int().optional(),
          publisher: z.string().optional(),
          detail: z.string().optional(),
        }),
      )
      .readonly(),
    letters: z
      .array(z.object({ id: z.string(), stage: z.string(), reason: z.string(), message: z.string(), lastSeen: z.number() }))
      .readonly(),
  })
  .meta({ id: 'Trace' });
export type Trace = z.infer<typeof Trace>;
