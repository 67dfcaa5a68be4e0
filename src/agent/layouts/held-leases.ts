import type { AgentIdentity, Group, LeaseToken, Unit } from '../../coordination/group.ts';
import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../model/faults.ts';

/** Leases of many units, taken together and renewed until they are given back, so that no worker runs one of them meanwhile. */
export class HeldLeases {
  readonly #group: Group;
  readonly #tokens: ReadonlyMap<Unit, LeaseToken>;
  readonly #over = new AbortController();
  readonly #renewing: Promise<void>;
  #lost: LeaseToken | null = null;

  private constructor(group: Group, tokens: ReadonlyMap<Unit, LeaseToken>, ttlMs: number, clock: Clock) {
    this.#group = group;
    this.#tokens = tokens;
    this.#renewing = this.#renew(ttlMs, clock);
  }

  /** Those of a dead agent run out within their life; throws a retryable Fault `partition_held` when somebody keeps one alive. */
  static async take(
    group: Group,
    identity: AgentIdentity,
    units: readonly Unit[],
    ttlMs: number,
    clock: Clock,
  ): Promise<HeldLeases> {
    const { version } = await group.readPlan();
    const tokens = new Map<Unit, LeaseToken>();
    const until = clock.monotonic() + 2 * ttlMs;
    try {
      for (const unit of units) {
        for (;;) {
          const result = await group.acquire(identity, unit, version, ttlMs);
          if (result.kind === 'acquired') {
            tokens.set(unit, result.token);
            break;
          }
          if (result.kind === 'stale-plan' || clock.monotonic() >= until)
            throw new Fault(
              'retryable',
              'partition_held',
              `${unit} is run by ${result.kind === 'held' ? result.by : 'an agent that knows a newer plan'}. Stop all agents of the cluster first.`,
            );
          await clock.sleep(Math.min(result.expiresInMs + 10, ttlMs));
        }
      }
    } catch (error) {
      for (const token of tokens.values()) await group.release(token).catch(() => undefined); // they run out by themselves
      throw error;
    }
    return new HeldLeases(group, tokens, ttlMs, clock);
  }

  of(unit: Unit): LeaseToken {
    const token = this.#tokens.get(unit);
    if (token === undefined) throw new Error(`the lease of ${unit} was not taken`);
    return token;
  }

  /** Before what the guard of the store does not see. */
  check(): void {
    if (this.#lost !== null) throw lost(this.#lost.unit);
  }

  async release(): Promise<void> {
    this.#over.abort(new Error('released'));
    await this.#renewing;
    // What is not given back runs out.
    await Promise.all([...this.#tokens.values()].map((token) => this.#group.release(token).catch(() => undefined)));
  }

  async #renew(ttlMs: number, clock: Clock): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      await clock.sleep(ttlMs / 4, signal).catch(() => undefined);
      if (signal.aborted) return;
      // A store that is away for a moment: until the leases have run out there is another attempt, and the guard sees the rest.
      const gone = await this.#group.renew([...this.#tokens.values()], ttlMs).catch(() => []);
      this.#lost ??= gone[0] ?? null;
    }
  }
}

export function lost(unit: Unit): Fault {
  return new Fault(
    'retryable',
    'partition_held',
    `${unit} was taken by another agent meanwhile. Nothing is lost: stop all agents and begin again.`,
  );
}
