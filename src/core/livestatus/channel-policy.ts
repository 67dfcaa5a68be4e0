import { quirksOf, type ServerKind } from './server-kind.ts';

/**
 * How a site wants to be connected to, learned or forced.
 *
 * `persistent` keeps channels open between queries. `ondemand` connects for each: Icinga 2 holds one of its 2 × cores workers for every
 * open connection, idle or not, so that four of them stop a site of two cores with all its checks; and its answers come in two writes,
 * which costs 44 ms a query on a kept TCP connection.
 *
 * `cap` is how many channels may be in use at once. Halved when a probe is late while channels are busy, restored by one a minute.
 */
export interface ChannelPolicy {
  readonly mode: 'unknown' | 'persistent' | 'ondemand';
  readonly why: string;
  readonly cap: number;
  readonly changedAtMs: number;
  /** Probes on a kept connection that took much longer than the first one on it. */
  readonly stalls: number;
}

export interface ChannelSettings {
  readonly channels: number;
  readonly forced: 'persistent' | 'ondemand' | null;
  /** Workers of the server that may serve us; null: to be learned. */
  readonly workers: number | null;
}

/**
 * For a server that blocks a worker for each connection when nobody said how many it has: two cores have four workers, of which one is
 * for the probe and one for the checks.
 */
const cautiousCap = 2;
const stallMs = 30;
const stallsUntilSure = 2;
const restoreMs = 60_000;

export function initialPolicy({ channels, forced, workers }: ChannelSettings, nowMs: number): ChannelPolicy {
  const cap = workers === null ? channels : Math.max(1, Math.min(channels, workers - 1));
  if (forced === null) return { mode: 'unknown', why: 'not yet known', cap, changedAtMs: nowMs, stalls: 0 };
  return { mode: forced, why: 'configured', cap, changedAtMs: nowMs, stalls: 0 };
}

/** What the first probe says. */
export function learnKind(policy: ChannelPolicy, settings: ChannelSettings, kind: ServerKind, nowMs: number): ChannelPolicy {
  const blocks = quirksOf(kind).idleConnectionsBlock;
  const ceiling = ceilingOf(settings, kind);
  const cap = Math.min(policy.mode === 'unknown' ? ceiling : policy.cap, ceiling);
  if (settings.forced !== null) return { ...policy, cap };
  if (blocks)
    return { ...policy, mode: 'ondemand', why: 'each open connection blocks a worker of this server', cap, changedAtMs: nowMs };
  // A stall that was seen is not forgotten because the server restarted.
  if (policy.mode === 'ondemand' && policy.stalls >= stallsUntilSure) return { ...policy, cap };
  return { ...policy, mode: 'persistent', why: 'idle connections cost this server nothing', cap, changedAtMs: nowMs };
}

/** A probe on a kept connection took `ms`, the first one on it `firstMs`. */
export function learnLatency(
  policy: ChannelPolicy,
  settings: ChannelSettings,
  firstMs: number,
  ms: number,
  nowMs: number,
): ChannelPolicy {
  if (settings.forced !== null || policy.mode !== 'persistent') return policy;
  if (ms - firstMs <= stallMs) return policy.stalls === 0 ? policy : { ...policy, stalls: 0 };
  const stalls = policy.stalls + 1;
  if (stalls < stallsUntilSure) return { ...policy, stalls };
  const why = `kept connections answer ${Math.round(ms - firstMs)} ms later than new ones`;
  return { ...policy, stalls, mode: 'ondemand', why, changedAtMs: nowMs };
}

/** A probe was late while channels were busy: the server has fewer workers for us than we use. */
export function learnOverload(policy: ChannelPolicy, nowMs: number): ChannelPolicy {
  return { ...policy, cap: Math.max(1, Math.floor(policy.cap / 2)), changedAtMs: nowMs };
}

/** One channel more for each minute without overload. */
export function restored(policy: ChannelPolicy, settings: ChannelSettings, kind: ServerKind, nowMs: number): ChannelPolicy {
  if (policy.mode === 'unknown' || nowMs - policy.changedAtMs < restoreMs) return policy;
  if (policy.cap >= ceilingOf(settings, kind)) return policy;
  return { ...policy, cap: policy.cap + 1, changedAtMs: nowMs };
}

function ceilingOf({ channels, workers }: ChannelSettings, kind: ServerKind): number {
  if (workers !== null) return Math.max(1, Math.min(channels, workers - 1));
  return quirksOf(kind).idleConnectionsBlock ? Math.min(channels, cautiousCap) : channels;
}
