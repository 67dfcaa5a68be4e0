import type { Job } from './job.ts';

/** Who waits for a channel of a site, first come, first served; each client is in it at most once, so none can crowd out another. */
export class WaitingLine {
  #jobs: Job[] = [];

  get length(): number {
    return this.#jobs.length;
  }

  [Symbol.iterator](): Iterator<Job> {
    return this.#jobs[Symbol.iterator]();
  }

  add(job: Job): void {
    this.#jobs.push(job);
  }

  /** One that has already had its turn and lost it through no fault of its own. */
  addFirst(job: Job): void {
    this.#jobs.unshift(job);
  }

  /** The first that may go now. */
  next(mayGo: (job: Job) => boolean): Job | null {
    for (let i = 0; i < this.#jobs.length; i++) {
      const job = this.#jobs[i] as Job;
      if (!mayGo(job)) continue;
      if (i === 0) this.#jobs.shift();
      else this.#jobs.splice(i, 1);
      return job;
    }
    return null;
  }

  remove(job: Job): boolean {
    const at = this.#jobs.indexOf(job);
    if (at === -1) return false;
    this.#jobs.splice(at, 1);
    return true;
  }

  /** Takes out whoever has waited since before that moment. */
  expired(beforeMs: number): Job[] {
    const late = this.#jobs.filter((job) => job.stateSinceMs <= beforeMs);
    if (late.length > 0) this.#jobs = this.#jobs.filter((job) => job.stateSinceMs > beforeMs);
    return late;
  }

  takeAll(): Job[] {
    return this.#jobs.splice(0);
  }
}
