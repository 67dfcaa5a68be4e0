/** Dead letters by reason, with the words of the first. */
export type LetterCounts = Map<string, { readonly count: number; readonly first: string }>;

export function countLetter(counts: LetterCounts, reason: string, message: string): void {
  const known = counts.get(reason);
  counts.set(reason, { count: (known?.count ?? 0) + 1, first: known?.first ?? message });
}
