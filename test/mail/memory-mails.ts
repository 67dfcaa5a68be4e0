import type { AcceptedMails } from '../../src/model/mail.ts';

/** What agents know together of accepted mails, in this process. */
export class MemoryMails implements AcceptedMails {
  readonly kept: string[] = [];
  readonly #bound: number;
  isAway = false;

  constructor(bound = 100_000) {
    this.#bound = bound;
  }

  async accepted(keys: readonly string[]): Promise<ReadonlySet<string>> {
    this.#answer();
    return new Set(keys.filter((key) => this.kept.includes(key)));
  }

  async remember(keys: readonly string[]): Promise<void> {
    this.#answer();
    for (const key of keys) if (!this.kept.includes(key)) this.kept.push(key);
    this.kept.splice(0, Math.max(0, this.kept.length - this.#bound));
  }

  #answer(): void {
    if (this.isAway) throw new Error('away');
  }
}
