/** What this process has done since it started: for `status`, heartbeats and the demo's table. Metrics have the details. */
export interface Tally {
  received: number;
  samples: number;
  events: number;
  appended: number;
  applied: number;
  repeated: number;
  published: number;
  dropped: number;
  letters: number;
  fenced: number;
  unproven: number;
  /** Raw messages given back because their source may have given them to another listener. */
  abandoned: number;
}

export function createTally(): Tally {
  return {
    received: 0,
    samples: 0,
    events: 0,
    appended: 0,
    applied: 0,
    repeated: 0,
    published: 0,
    dropped: 0,
    letters: 0,
    fenced: 0,
    unproven: 0,
    abandoned: 0,
  };
}
