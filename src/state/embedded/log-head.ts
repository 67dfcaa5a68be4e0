/**
 * Where the state log of a unit stands. The log is one record per commit: what the commit changed, and the next few hundred keys of
 * a checkpoint that walks round and round. Reading everything back means: from the start of the last whole round, in order.
 *
 * A load ends the open round unfinished, since its reader begins to walk anew. Without that rule the first `roundStart` after a
 * restart would make half a round look whole, and trimming behind it would lose the other half.
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
  /** First record of the round that is being walked now. */
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

export function afterLoad(head: LogHead): LogHead {
  return { ...head, openFrom: null };
}

export function afterStart(head: LogHead, suspects: string): LogHead {
  return { ...head, starts: head.starts + 1, suspects };
}

// More than one per commit, so that the log shrinks back after a round; few, so that no commit pays for a whole one.
const trimPerCommit = 8;

/** The head after the next commit; records from `head.keptFrom` up to `keptFrom` of the result are no longer needed. */
export function afterCommit(head: LogHead, commitId: string, roundStart: boolean): LogHead {
  const version = head.version + 1;
  const wholeFrom = roundStart && head.openFrom !== null ? head.openFrom : head.wholeFrom;
  return {
    version,
    lastCommitId: commitId,
    starts: 0,
    suspects: head.suspects,
    wholeFrom,
    openFrom: roundStart ? version : head.openFrom,
    keptFrom: Math.min(wholeFrom, head.keptFrom + trimPerCommit),
  };
}

/** The head over one record that holds everything. */
export function wholeAt(version: number, lastCommitId: string): LogHead {
  return { version, lastCommitId, starts: 0, suspects: '', wholeFrom: version, openFrom: null, keptFrom: version };
}
