/**
 * Whether a mail server may be used. It belongs to the server, not to a mail: a thousand mails for a server that is down cost one
 * connection per pause.
 *
 * - **well**: as many sessions as configured.
 * - **cooling**: nobody connects before `until`: 30 s after the first failure, doubled each time up to 300 s. Out of it leads only
 *   time, to
 * - **probed**: one session, with one mail; all others wait. Its first finished transaction makes the server well, and every mail that
 *   is due wakes; a failure makes it cool again, longer.
 */
export type ServerHealth =
  | { readonly kind: 'well' }
  | { readonly kind: 'cooling'; readonly until: number; readonly forMs: number }
  | { readonly kind: 'probed'; readonly forMs: number };

export interface CooldownPolicy {
  readonly firstMs: number;
  readonly longestMs: number;
}

export const defaultCooldown: CooldownPolicy = { firstMs: 30_000, longestMs: 300_000 };
export const well: ServerHealth = { kind: 'well' };

/** `open`: connect as you like. `probe`: one session may try, and it is yours. `wait`: not before `until`. */
export type Admission =
  | { readonly kind: 'open' }
  | { readonly kind: 'probe'; readonly health: ServerHealth }
  | { readonly kind: 'wait'; readonly until: number };

export function askServer(health: ServerHealth, now: number): Admission {
  switch (health.kind) {
    case 'well':
      return { kind: 'open' };
    case 'cooling':
      if (now < health.until) return { kind: 'wait', until: health.until };
      return { kind: 'probe', health: { kind: 'probed', forMs: health.forMs } };
    case 'probed':
      return { kind: 'wait', until: Number.POSITIVE_INFINITY };
  }
}

/** `longest`: nothing will change soon (refused greeting, wrong password, no TLS where it is required). */
export function serverFailed(
  health: ServerHealth,
  now: number,
  how: 'usual' | 'longest',
  policy: CooldownPolicy = defaultCooldown,
): ServerHealth {
  // Another session of the same failure: the pause is already counted.
  if (health.kind === 'cooling' && how === 'usual') return health;
  const doubled = health.kind === 'probed' ? Math.min(health.forMs * 2, policy.longestMs) : policy.firstMs;
  const forMs = how === 'longest' ? policy.longestMs : doubled;
  return { kind: 'cooling', until: now + forMs, forMs };
}

/** The probe went away without an answer (a shutdown, no mail left): the next may try at once. */
export function probeAbandoned(health: ServerHealth, now: number): ServerHealth {
  return health.kind === 'probed' ? { kind: 'cooling', until: now, forMs: health.forMs } : health;
}
