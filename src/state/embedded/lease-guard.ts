import type { LeaseToken } from '../../coordination/group.ts';

/** What the store needs of the leases, inside its own transaction. */
export interface LeaseGuard {
  /** Is this token still the lease's? An expired one is, until another owner acquires. */
  holds(token: LeaseToken): boolean;
  /** Holds it for `ttlMs` from now. */
  extend(token: LeaseToken, ttlMs: number): boolean;
}
