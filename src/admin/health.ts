/** Whether the agent does what it should; the reason when it does not. Written by the agent, read by `/healthz`. */
export class Health {
  #reason: string | null = 'starting';

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
}
