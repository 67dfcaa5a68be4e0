/** One thing that befalls a Livestatus proxy. `run` throws when the proxy does not stand it. */
export interface LivestatusFault {
  readonly id: string;
  readonly about: string;
  /** Starts programs or takes long: not among the unit tests. */
  readonly slow?: true;
  readonly run: () => Promise<void>;
}
