/**
 * The time of one partition, made of its entries alone.
 *
 * *Partition time* is the sum of min(max(0, at − previous at), 2 s) over its ticks, so an hour without an owner, or a stepped
 * clock, moves it by 2 s. A tick that is not above the highest (incarnation, epoch, number) seen is a zombie's, or one that is given
 * again, and is ignored. It stands still while the canary of any awaited input is older than 15 s: a silent feed must not look like silent hosts.
 * The *watermark* is the largest event time seen plus the partition time passed since.
 */
export const maxTickStepMs = 2_000;
const canaryLateMs = 15_000;

export interface ClockState {
  readonly partitionMs: number;
  readonly tick: readonly [incarnation: number, epoch: number, n: number];
  readonly lastTickAt: number | null;
  /** Largest wall clock any entry has told. */
  readonly now: number;
  readonly eventTime: number | null;
  /** Partition time at which `eventTime` was set. */
  readonly eventTimeAt: number;
  readonly canaries: Readonly<Record<string, number>>;
}

export const clockStart: ClockState = {
  partitionMs: 0,
  tick: [0, 0, 0],
  lastTickAt: null,
  now: 0,
  eventTime: null,
  eventTimeAt: 0,
  canaries: {},
};

export type TickOutcome = 'moved' | 'ignored' | 'feed-late';

export function applyTick(
  state: ClockState,
  tick: { readonly incarnation: number; readonly epoch: number; readonly n: number; readonly at: number },
): { readonly state: ClockState; readonly outcome: TickOutcome } {
  const [incarnation, epoch, n] = state.tick;
  if ((tick.incarnation - incarnation || tick.epoch - epoch || tick.n - n) <= 0) return { state, outcome: 'ignored' };
  const late = Object.values(state.canaries).some((at) => tick.at - at > canaryLateMs);
  const step = late || state.lastTickAt === null ? 0 : Math.min(Math.max(0, tick.at - state.lastTickAt), maxTickStepMs);
  return {
    state: {
      ...state,
      partitionMs: state.partitionMs + step,
      tick: [tick.incarnation, tick.epoch, tick.n],
      lastTickAt: tick.at,
      now: Math.max(state.now, tick.at),
    },
    outcome: late ? 'feed-late' : 'moved',
  };
}

export function sawWallClock(state: ClockState, at: number): ClockState {
  return at > state.now ? { ...state, now: at } : state;
}

/** For partitions without ticks: up to the largest wall clock told so far, so that listeners whose clocks differ cannot hurry it. */
export function passTo(state: ClockState, at: number): ClockState {
  const step = Math.min(Math.max(0, at - state.now), maxTickStepMs);
  return { ...sawWallClock(state, at), partitionMs: state.partitionMs + step };
}

export function sawEventTime(state: ClockState, eventTime: number): ClockState {
  return eventTime > watermark(state) ? { ...state, eventTime, eventTimeAt: state.partitionMs } : state;
}

/** -Infinity before the first event time. */
export function watermark(state: ClockState): number {
  return state.eventTime === null ? Number.NEGATIVE_INFINITY : state.eventTime + (state.partitionMs - state.eventTimeAt);
}

export function sawCanary(state: ClockState, input: string, sentAt: number): ClockState {
  if (!(input in state.canaries) || (state.canaries[input] as number) >= sentAt) return state;
  return { ...state, canaries: { ...state.canaries, [input]: sentAt } };
}

/** The inputs to wait for; a new one has until `at` + 15 s to send its first canary, a removed one is no longer waited for. */
export function awaitInputs(state: ClockState, inputs: readonly string[], at: number): ClockState {
  return { ...state, canaries: Object.fromEntries(inputs.map((input) => [input, state.canaries[input] ?? at])) };
}
