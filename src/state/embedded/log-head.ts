import type { Commit } from '../partition-store.ts';

/**
 * Where the state log of a unit stands. The log is one record per commit: what the commit changed, and the next few hundred keys of
 * a checkpoint that walks round and round. Reading everything back means: from the start of the last whole round, in order.
 *
 * A round is whole when its walk has said that it ended, and not when the next one begins: whoever loads may walk on where the last owner
 * stopped, or anew. Were a round given up with each owner, owners that live for less than one would leave a log that only grows.
 */
export interface LogHead {
  readonly version: number;
  readonly lastCommitId: string;
  /** Owners that began to apply entries since the last commit. */
  readonly starts: number;
  /** What the last of them suspected to end every process; '' for nothing. */
  readonly suspects: string;
  /** First record of the last round known to be whole; 1, the start of time, until there is one. */
  readonly wholeFrom: number;
  /** First record of the round that is being walked now, be it by one owner after the other. */
  readonly openFrom: number | null;
  /** First record that is still kept. */
  readonly keptFrom: number;
}

export const emptyHead: LogHead = {
  version: 0,
  lastCommitId: '',
  starts: 0,
  suspects: '',
  wholeFrom: 1,
  openFrom: null,
  keptFrom: 1,
};

export function afterStart(head: LogHead, suspects: string): LogHead {
  return { ...head, starts: head.starts + 1, suspects };
}

// More than one per commit, so that the log shrinks back after a round; few, so that no commit pays for a whole one.
const trimPerCommit = 8;

/** The head after the next commit; records from `head.keptFrom` up to `keptFrom` of the result are no longer needed. */
export function afterCommit(
  head: LogHead,
  { commitId, roundStart, roundEnd }: Pick<Commit, 'commitId' | 'roundStart' | 'roundEnd'>,
): LogHead {
  const version = head.version + 1;
  const openFrom = roundStart ? version : head.openFrom;
  const wholeFrom = roundEnd && openFrom !== null ? openFrom : head.wholeFrom;
  return {
    version,
    lastCommitId: commitId,
    starts: 0,
    suspects: head.suspects,
    wholeFrom,
    openFrom: roundEnd ? null : openFrom,
    keptFrom: Math.min(wholeFrom, head.keptFrom + trimPerCommit),
  };
}

/** The head over one record that holds everything. */
export function wholeAt(version: number, lastCommitId: string): LogHead {
  return { version, lastCommitId, starts: 0, suspects: '', wholeFrom: version, openFrom: null, keptFrom: version };
}
