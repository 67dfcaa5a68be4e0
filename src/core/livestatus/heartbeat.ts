/**
 * Is the site alive? One probe at a time, on a connection that no query uses, so that a full pool is still probed.
 *
 * States:
 *
 * - `starting`: nothing is known yet. The first answer makes it ready, the first miss asks for a second opinion.
 * - `ready`: probes are answered in time.
 * - `suspect`: a probe failed or was late and the site gave no other sign of life. A second probe on a fresh connection, with more
 *   patience, decides: answered → ready, failed or late again → dead.
 * - `dead`: only an answered probe makes it ready again.
 *
 * A late probe of a site that answers queries meanwhile is no miss: the site is busy, which the channel policy wants to know.
 * "Late" is relative to how long the site usually takes, a moving average, with a floor so that a fast site is not called dead for one
 * hiccup of the machine.
 */
export type Verdict = 'starting' | 'ready' | 'suspect' | 'dead';

export interface Heartbeat {
  readonly verdict: Verdict;
  /** Moving average of the answered probes, null before the first. */
  readonly typicalMs: number | null;
  readonly received: number;
}

export interface HeartbeatSettings {
  readonly intervalMs: number;
  /** `percent` over the typical response time, or a fixed time. */
  readonly timeout: { readonly percent: number } | { readonly ms: number };
  /** How long after a failure a dead site is tried again, at most. */
  readonly retryMs: number;
}

export type ProbeResult =
  | { readonly kind: 'answered'; readonly ms: number }
  /** `alive`: the site sent other bytes since the probe began. */
  | { readonly kind: 'late'; readonly alive: boolean; readonly ms: number }
  | { readonly kind: 'failed' };

export const initialHeartbeat: Heartbeat = { verdict: 'starting', typicalMs: null, received: 0 };

const floorMs = 500;
/** Before the first answer nothing is typical. */
const unknownMs = 2_000;
const secondOpinionFloorMs = 2_000;
const weight = 0.2;

export function patienceMs(beat: Heartbeat, { timeout }: HeartbeatSettings): number {
  const own = 'ms' in timeout ? timeout.ms : Math.max(floorMs, (beat.typicalMs ?? unknownMs) * (1 + timeout.percent / 100));
  return beat.verdict === 'suspect' || beat.verdict === 'dead' ? Math.max(secondOpinionFloorMs, own) : own;
}

/** When to probe again, after a result. A second opinion is asked for at once; the dead are tried at random times, never together. */
export function nextProbeMs(beat: Heartbeat, settings: HeartbeatSettings, random: number): number {
  if (beat.verdict === 'suspect') return Math.min(200, settings.intervalMs);
  if (beat.verdict === 'dead') return settings.retryMs * (0.5 + random / 2);
  return settings.intervalMs;
}

export function afterProbe(beat: Heartbeat, result: ProbeResult): Heartbeat {
  switch (result.kind) {
    case 'answered':
      return { verdict: 'ready', typicalMs: average(beat.typicalMs, result.ms), received: beat.received + 1 };
    case 'late':
      if (result.alive) return { ...beat, verdict: 'ready', typicalMs: average(beat.typicalMs, result.ms) };
      return { ...beat, verdict: worse(beat.verdict) };
    case 'failed':
      return { ...beat, verdict: worse(beat.verdict) };
  }
}

function worse(verdict: Verdict): Verdict {
  return verdict === 'ready' || verdict === 'starting' ? 'suspect' : 'dead';
}

function average(before: number | null, ms: number): number {
  return before === null ? ms : before + weight * (ms - before);
}
