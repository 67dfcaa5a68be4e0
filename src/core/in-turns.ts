/**
 * Work that may take long, and gives way each time a little of it is done: whoever runs it in a process decides whether others shall have their turn
 * first. Nothing else may touch what it works on until it has come to its end.
 */
export type InTurns = Generator<void, void, void>;

/** All of it at once. */
export function runThrough(work: InTurns): void {
  while (work.next().done !== true);
}
