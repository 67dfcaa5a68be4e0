import { Redis } from 'ioredis';
import { clusterKeys } from '../../src/coordination/redis/keys.ts';

/** When a partition was committed, and under which epoch. */
export interface Seen {
  readonly at: number;
  readonly epoch: number;
}

/** Looks at Redis every few milliseconds, from outside: what stands there is what everybody else would find. */
export class CommitWatch {
  readonly #redis: Redis;
  readonly #units: readonly string[];
  readonly #keys: ReturnType<typeof clusterKeys>;
  readonly #seen = new Map<string, Seen[]>();
  readonly #ended: Promise<void>;
  #over = false;

  constructor(url: string, cluster: string, units: readonly string[]) {
    this.#redis = new Redis(url, { disableClientInfo: true });
    this.#units = units;
    this.#keys = clusterKeys(cluster);
    this.#ended = this.#watch();
  }

  async close(): Promise<void> {
    this.#over = true;
    await this.#ended;
    this.#redis.disconnect();
  }

  commits(unit: string): readonly Seen[] {
    return this.#seen.get(unit) ?? [];
  }

  /** The longest time between two commits, from `since` on and until now, in ms. */
  longestPause(unit: string, since: number): number {
    const times = [since, ...this.commits(unit).flatMap(({ at }) => (at > since ? [at] : [])), performance.now()];
    return Math.max(...times.map((at, i) => at - (times[i - 1] ?? at)));
  }

  /** From the last commit of the owner of before `since` to the first of the next one, in ms; null while there is none. */
  handOver(unit: string, since: number): { readonly ms: number; readonly from: number; readonly till: number } | null {
    const commits = this.commits(unit);
    const before = commits.findLast(({ at }) => at <= since);
    const next = commits.find(({ at, epoch }) => at > since && epoch > (before?.epoch ?? 0));
    const last = commits.findLast(({ epoch }) => epoch === before?.epoch);
    return next === undefined || last === undefined ? null : { ms: next.at - last.at, from: last.at, till: next.at };
  }

  async #watch(): Promise<void> {
    const versions = new Map<string, string>();
    while (!this.#over) {
      const pipeline = this.#redis.pipeline();
      for (const unit of this.#units) pipeline.hget(this.#keys.part(unit, 'head'), 'ver').hget(this.#keys.lease(unit), 'epoch');
      const replies = (await pipeline.exec()) ?? [];
      const at = performance.now();
      for (const [i, unit] of this.#units.entries()) {
        const [version, epoch] = [String(replies[2 * i]?.[1]), Number(replies[2 * i + 1]?.[1])];
        if (versions.get(unit) === version) continue;
        versions.set(unit, version);
        this.#seen.set(unit, [...(this.#seen.get(unit)?.slice(-2_000) ?? []), { at, epoch }]);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
