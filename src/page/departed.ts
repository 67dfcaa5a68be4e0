import type { Overview } from '../admin/overview.ts';

const shownForMs = 60_000;

/**
 * Who has run partitions and is no member any more stays on the page for a minute, so that one sees where they went. By the members
 * alone: its leases may end before its record, or after it.
 */
export class Departed {
  readonly #ran = new Set<string>();
  readonly #since = new Map<string, number>();

  /** Their names, as things are now. */
  names({ members, partitions }: Pick<Overview, 'members' | 'partitions'>, now: number): readonly string[] {
    const there = new Set(members.map(({ agent }) => agent));
    for (const { owner } of partitions) if (owner !== null) this.#ran.add(owner);
    for (const name of this.#ran) {
      const since = this.#since.get(name) ?? now;
      if (there.has(name)) this.#since.delete(name);
      else if (now - since <= shownForMs) this.#since.set(name, since);
      else {
        this.#since.delete(name);
        this.#ran.delete(name);
      }
    }
    return [...this.#since.keys()];
  }
}
