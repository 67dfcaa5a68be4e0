import { isCacheable } from '../../core/livestatus/cacheable.ts';
import type { Fixed16 } from '../../core/livestatus/fixed16.ts';
import { cacheKey } from '../../core/livestatus/request.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Answerer } from './client.ts';
import type { Asker, Job } from './job.ts';
import type { CacheSettings } from './settings.ts';
import type { Site } from './site.ts';

interface Kept {
  readonly header: Fixed16;
  /** Header and body, as the site sent them. */
  readonly bytes: Buffer;
  readonly sinceMs: number;
}

const maxEntryBytes = 1024 * 1024;
const maxBytes = 16 * 1024 * 1024;
const maxEntries = 1000;

/**
 * Keeps answers that only a new configuration of the site changes, for a site that lives: a dead one answers nothing from here. They go when
 * the site has restarted, when they are too old, or when a client says `Cache: reload`. Who asks for what somebody else is just being
 * answered gets that answer: one question to the site, however many ask.
 */
export class CachedSite implements Answerer {
  readonly #site: Site;
  readonly #settings: CacheSettings;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  readonly #flights = new Map<string, { readonly leader: Job; readonly followers: Job[] }>();
  #bytes = 0;
  hits = 0;

  constructor(site: Site, settings: CacheSettings, clock: Clock) {
    this.#site = site;
    this.#settings = settings;
    this.#clock = clock;
    site.onRestart = () => this.clear();
  }

  get id(): string {
    return this.#site.id;
  }

  get quirks() {
    return this.#site.quirks;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** How old the oldest answer is that somebody may get. */
  get oldestMs(): number | null {
    const oldest = this.#kept.values().next().value;
    return oldest === undefined ? null : this.#clock.monotonic() - oldest.sinceMs;
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  submit(job: Job): void {
    const { request } = job;
    const { verdict } = this.#site.heartbeat.beat;
    if (request === null || verdict === 'dead' || !isCacheable(request, this.#settings.tables)) {
      this.#site.submit(job);
      return;
    }
    const key = cacheKey(request);
    const kept = request.cache === 'reload' ? undefined : this.#fresh(key);
    if (kept !== undefined) {
      this.hits += 1;
      give(job, kept);
      return;
    }
    const flight = this.#flights.get(key);
    if (flight !== undefined) flight.followers.push(job);
    else this.#lead(key, job);
  }

  cancel(job: Job): void {
    this.#site.cancel(job);
    for (const [key, { leader, followers }] of this.#flights) {
      if (leader === job) this.#land(key);
      const at = followers.indexOf(job);
      if (at !== -1) followers.splice(at, 1);
    }
  }

  #fresh(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || this.#clock.monotonic() - kept.sinceMs < this.#settings.maxAgeMs) return kept;
    this.#forget(key, kept);
    return undefined;
  }

  #lead(key: string, job: Job): void {
    this.#flights.set(key, { leader: job, followers: [] });
    job.asker = this.#listening(key, job.asker);
    this.#site.submit(job);
  }

  /** Hands everything on and remembers a good answer. */
  #listening(key: string, asker: Asker): Asker {
    const sinceMs = this.#clock.monotonic();
    const chunks: Buffer[] = [];
    let kept: Fixed16 | null = null;
    // A copy: what a channel reads into is used again.
    const keep = (bytes: Buffer) => {
      if (kept !== null) chunks.push(Buffer.from(bytes));
    };
    return {
      start: (header, bytes) => {
        if (header.code === 200 && header.length <= maxEntryBytes) kept = header;
        keep(bytes);
        return asker.start(header, bytes);
      },
      body: (chunk) => {
        keep(chunk);
        return asker.body(chunk);
      },
      end: () => {
        if (kept !== null) this.#keep(key, { header: kept, bytes: Buffer.concat(chunks), sinceMs });
        asker.end();
        this.#land(key);
      },
      refuse: (answer) => {
        asker.refuse(answer);
        this.#land(key);
      },
      silence: () => {
        asker.silence();
        this.#land(key);
      },
      abort: (why) => {
        asker.abort(why);
        this.#land(key);
      },
    };
  }

  /** Who waited gets what was kept; when there is nothing, the next one asks. */
  #land(key: string): void {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    this.#flights.delete(key);
    for (const follower of flight.followers) this.submit(follower);
  }

  #keep(key: string, kept: Kept): void {
    const before = this.#kept.get(key);
    if (before !== undefined) this.#forget(key, before);
    this.#kept.set(key, kept);
    this.#bytes += kept.bytes.length + key.length;
    for (const [old, entry] of this.#kept) {
      if (this.#bytes <= maxBytes && this.#kept.size <= maxEntries) break;
      this.#forget(old, entry);
    }
  }

  #forget(key: string, { bytes }: Kept): void {
    this.#kept.delete(key);
    this.#bytes -= bytes.length + key.length;
  }
}

function give(job: Job, { header, bytes }: Kept): void {
  job.state = 'done';
  job.code = header.code;
  job.bytes = header.length;
  job.asker.start(header, bytes);
  job.asker.end();
}
