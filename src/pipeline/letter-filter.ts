import type { StoredLetter } from './letter.ts';

/** Which letters; what is not given lets every letter through. */
export interface LetterFilter {
  readonly ids?: readonly string[];
  readonly stage?: string;
  readonly reason?: string;
  readonly sink?: string;
  readonly publisher?: string;
  readonly messageId?: string;
  /** Somewhere in what the letter says is wrong. */
  readonly says?: string;
  /** Epoch ms; last seen then or later. */
  readonly since?: number;
  /** Epoch ms; last seen before. */
  readonly before?: number;
}

export function matchesLetter(filter: LetterFilter, letter: StoredLetter): boolean {
  return (
    (filter.ids === undefined || filter.ids.includes(letter.id)) &&
    (filter.stage === undefined || letter.stage === filter.stage) &&
    (filter.reason === undefined || letter.reason === filter.reason) &&
    (filter.sink === undefined || letter.sink === filter.sink) &&
    (filter.publisher === undefined || letter.publisher === filter.publisher) &&
    (filter.messageId === undefined || letter.messageId === filter.messageId) &&
    (filter.says === undefined || letter.message.includes(filter.says)) &&
    (filter.since === undefined || letter.lastSeen >= filter.since) &&
    (filter.before === undefined || letter.lastSeen < filter.before)
  );
}
