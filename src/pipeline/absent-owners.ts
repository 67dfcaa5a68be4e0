import type { Member, Unit } from '../coordination/group.ts';
import type { Clock } from '../lib/clock.ts';
import { isGivenName } from '../model/agent-name.ts';

/** Owners in the plan that are no members. */
export class AbsentOwners {
  readonly #clock: Clock;
  readonly #graceMs: number;
  /** Since when we see that they are gone. */
  readonly #since = new Map<string, number>();

  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  /**
   * Who owns units, is gone, and will be back. Each agent looks by its own clock and for itself: one that has just started waits anew,
   * and whoever has waited long enough plans first.
   */
  awaited(owners: Readonly<Record<Unit, string>>, members: readonly Member[]): ReadonlySet<string> {
    const now = this.#clock.monotonic();
    const alive = new Set(members.map((member) => member.agent));
    const gone = new Set(Object.values(owners).filter((owner) => isGivenName(owner) && !alive.has(owner)));
    for (const known of [...this.#since.keys()]) if (!gone.has(known)) this.#since.delete(known);
    for (const owner of gone) if (!this.#since.has(owner)) this.#since.set(owner, now);
    return new Set([...gone].filter((owner) => now - (this.#since.get(owner) ?? now) < this.#graceMs));
  }
}
