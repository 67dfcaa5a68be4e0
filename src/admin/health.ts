export interface HealthCheck {
  readonly name: string;
  /** Null: it is well. */
  readonly reason: string | null;
}

/**
 * Whether the agent does what it should; the reason when it does not. Written by the agent, read by `/readyz`. Beside the one reason that
 * counts stand checks that only inform: a cluster whose store is away has no agent that would be better to ask.
 */
export class Health {
  #reason: string | null = 'starting';
  readonly #told = new Map<string, string | null>();

  get reason(): string | null {
    return this.#reason;
  }

  running(): void {
    this.#reason = null;
  }

  /** The first reason stays: what follows is mostly its consequence. */
  ailing(reason: string): void {
    this.#reason ??= reason;
  }

  /** For `?verbose`; null when it is well. */
  note(name: string, reason: string | null): void {
    this.#told.set(name, reason);
  }

  checks(): readonly HealthCheck[] {
    return [{ name: 'agent', reason: this.#reason }, ...[...this.#told].map(([name, reason]) => ({ name, reason }))];
  }
}
