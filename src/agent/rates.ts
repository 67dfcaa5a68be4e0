import type { Member } from '../coordination/group.ts';
import { figuresOf } from './figures.ts';

interface Seen {
  readonly at: number;
  readonly counts: ReadonlyMap<string, number>;
}

const windowMs = 10_000;

/**
 * How fast the counts of every agent grow, over about the last ten seconds, from what its heartbeats say. Each carries the time at which it
 * was counted, so neither late heartbeats nor late looks bend a rate.
 */
export class Rates {
  readonly #seen = new Map<string, Seen[]>();

  look(members: readonly Member[]): void {
    const alive = new Set(members.map(({ boot }) => boot));
    for (const boot of this.#seen.keys()) if (!alive.has(boot)) this.#seen.delete(boot);
    for (const member of members) this.#see(member);
  }

  /** 0 as long as it was heard only once. */
  of(boot: string, count: string): number {
    const seen = this.#seen.get(boot) ?? [];
    const [first, last] = [seen[0], seen.at(-1)];
    if (first === undefined || last === undefined || last.at <= first.at) return 0;
    const grown = (last.counts.get(count) ?? 0) - (first.counts.get(count) ?? 0);
    return Math.max(0, Math.round((grown * 10_000) / (last.at - first.at)) / 10);
  }

  #see(member: Member): void {
    const figures = figuresOf(member);
    if (figures === null) return;
    const seen = this.#seen.get(member.boot) ?? [];
    this.#seen.set(member.boot, seen);
    if (seen.at(-1)?.at === figures.at) return;
    const counts = new Map(
      ['received', 'applied', 'published', 'letters'].map((name) => [name, Number(member.facts[name] ?? 0)]),
    );
    for (const { sink, applied } of figures.sinks) counts.set(appliedOf(sink), applied);
    for (const { sink, name, accepted } of figures.lanes) counts.set(acceptedBy(sink, name), accepted);
    seen.push({ at: figures.at, counts });
    // The last one that is older than the window stays: a rate over less would be rougher.
    while (seen.length > 2 && figures.at - (seen[1] as Seen).at >= windowMs) seen.shift();
  }
}

export const appliedOf = (sink: string) => `applied:${sink}`;
export const acceptedBy = (sink: string, publisher: string) => `accepted:${sink}/${publisher}`;
