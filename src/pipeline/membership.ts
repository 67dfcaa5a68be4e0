import type { LivingMember, Member } from '../coordination/group.ts';

export interface MembershipTiming {
  /** Members must have stayed the same for so long before a new plan is made: three agents starting make one plan, not three. */
  readonly debounceMs: number;
  readonly heartbeatMs: number;
  readonly leaseTtlMs: number;
}

/** Let its record end before we look; and whoever looks must not look again at once, or nothing else gets its turn. */
const afterEndMs = 10;

/**
 * Who is there, as one agent sees it from round to round: for how long the same ones, and who will be missing next.
 *
 * Whoever comes may be one of several, and is waited for. Who has gone will not come again under its boot, so a plan without it may be made
 * at once: its units stand still. But only by who has reached the group all the time in which it was silent. After an outage of the group, or
 * a sleep of our own, all others look gone until they have said that they are there.
 */
export class Membership {
  readonly #timing: MembershipTiming;
  #names: ReadonlySet<string> = new Set();
  #changedAt = 0;
  #unsettledSince = 0;
  #inTouchSince: number;
  #sawAt: number;
  #firstEndsAt = Number.POSITIVE_INFINITY;

  constructor(timing: MembershipTiming, now: number) {
    this.#timing = timing;
    this.#inTouchSince = now;
    this.#sawAt = now;
  }

  saw(living: readonly LivingMember[], now: number): void {
    const { heartbeatMs, leaseTtlMs } = this.#timing;
    if (now - this.#sawAt > 2 * heartbeatMs) this.#inTouchSince = now;
    this.#sawAt = now;
    this.#firstEndsAt = now + Math.min(...living.map(({ endsInMs }) => endsInMs));
    const names = new Set(living.map(({ member }) => nameOf(member)));
    const came = [...names].some((name) => !this.#names.has(name));
    if (!came && names.size === this.#names.size) return;
    this.#names = names;
    this.#changedAt = now;
    if (came || now - this.#inTouchSince < leaseTtlMs) this.#unsettledSince = now;
  }

  /** The group could not be reached: who is gone by then can only be seen when it is back. */
  lostTouch(now: number): void {
    this.#inTouchSince = now;
    this.#firstEndsAt = Number.POSITIVE_INFINITY;
  }

  /** A plan may be made of them. */
  isSettled(now: number): boolean {
    return now - this.#unsettledSince >= this.#timing.debounceMs;
  }

  /** Not everybody may have seen the last change, or a plan not yet have been made of it. */
  hasChanged(now: number): boolean {
    return now - this.#changedAt < this.#timing.debounceMs + 2 * this.#timing.heartbeatMs;
  }

  /** When to look again: a heartbeat later, or as soon as somebody who has been silent is gone. */
  nextLookInMs(now: number): number {
    return Math.max(afterEndMs, Math.min(this.#timing.heartbeatMs, this.#firstEndsAt + afterEndMs - now));
  }
}

function nameOf({ agent, boot, weight }: Member): string {
  return `${agent}/${boot}${weight === 0 ? '/leaving' : ''}`;
}
