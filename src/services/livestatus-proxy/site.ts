import {
  type ChannelPolicy,
  initialPolicy,
  learnKind,
  learnLatency,
  learnOverload,
  restored,
} from '../../core/livestatus/channel-policy.ts';
import type { Heartbeat, ProbeResult } from '../../core/livestatus/heartbeat.ts';
import { type OwnAnswer, ownAnswers } from '../../core/livestatus/own-answers.ts';
import { quirksOf, type ServerKind, type ServerQuirks, serverKindOf } from '../../core/livestatus/server-kind.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { Channel } from './channel.ts';
import { HeartbeatLoop, type ProbeFacts } from './heartbeat-loop.ts';
import type { Job } from './job.ts';
import { type JobSite, run } from './job-run.ts';
import { ChannelPool } from './pool.ts';
import { formatAddress, type SiteSettings } from './settings.ts';
import { WaitingLine } from './waiting-line.ts';

export interface SiteOptions {
  readonly settings: SiteSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
}

/** How often those who wait and those who work are looked at, while there are any. */
const lookMs = 100;

/**
 * One site: its line of waiting clients, its channels, its heartbeat. What it does not know yet it waits for; a site that is dead answers
 * at once that it is.
 */
export class Site implements JobSite {
  readonly settings: SiteSettings;
  readonly startedAt: number;
  readonly #options: SiteOptions;
  readonly #line = new WaitingLine();
  readonly #running = new Set<Job>();
  readonly #pool: ChannelPool;
  readonly #heartbeat: HeartbeatLoop;
  readonly #stopping = new AbortController();
  #policy: ChannelPolicy;
  #kind: ServerKind = 'unknown';
  #facts: ProbeFacts | null = null;
  #lastHeardMs = Number.NEGATIVE_INFINITY;
  #looking = false;
  #filling = false;
  #lastFailure: { readonly at: number; readonly error: string } | null = null;
  #ended: Promise<void> = Promise.resolve();
  readonly counts = { answered: 0, refused: 0 };
  /** Told when the site started anew: what is remembered of it may be wrong now. */
  onRestart: () => void = () => undefined;

  constructor(options: SiteOptions) {
    const { settings, clock, random } = options;
    this.settings = settings;
    this.#options = options;
    this.startedAt = clock.now();
    this.#policy = initialPolicy(settings.channels, clock.monotonic());
    const heard = () => {
      this.#lastHeardMs = clock.monotonic();
    };
    this.#pool = new ChannelPool({
      address: settings.address,
      clock,
      maxAgeMs: settings.limits.maxChannelAgeMs,
      heard,
      lost: () => this.#fillLater(),
    });
    this.#heartbeat = new HeartbeatLoop({
      address: settings.address,
      settings: settings.heartbeat,
      clock,
      random,
      signal: this.#stopping.signal,
      keep: () => this.#policy.mode === 'persistent',
      lastHeardMs: () => this.#lastHeardMs,
      answered: (facts, timing) => this.#learn(facts, timing),
      judged: (before, now, result, error) => this.#judge(before, now, result, error),
    });
  }

  get id(): string {
    return this.settings.id;
  }

  get quirks(): ServerQuirks {
    return quirksOf(this.#kind);
  }

  get keepAlive(): boolean {
    return this.#pool.keeps(this.#policy);
  }

  get heartbeat(): HeartbeatLoop {
    return this.#heartbeat;
  }

  get policy(): ChannelPolicy {
    return this.#policy;
  }

  get pool(): ChannelPool {
    return this.#pool;
  }

  get facts(): ProbeFacts | null {
    return this.#facts;
  }

  /** How long ago it sent anything, infinite when it never did. */
  get lastHeardAgeMs(): number {
    return this.#options.clock.monotonic() - this.#lastHeardMs;
  }

  get lastFailure(): { readonly at: number; readonly error: string } | null {
    return this.#lastFailure;
  }

  /** Everybody who waits or is being answered. */
  get jobs(): readonly Job[] {
    return [...this.#running, ...this.#line];
  }

  start(): void {
    this.#ended = this.#heartbeat.run();
  }

  submit(job: Job): void {
    if (this.#stopping.signal.aborted) {
      this.#refuse(job, ownAnswers.stopping(this.id));
      return;
    }
    if (this.#heartbeat.beat.verdict === 'dead') {
      this.#refuse(job, this.#dead());
      return;
    }
    this.#line.add(job);
    this.#pump();
  }

  /** The client is gone: its place in the line is free, its channel cannot be used again. */
  cancel(job: Job): void {
    if (job.state === 'done') return;
    job.state = 'done';
    this.#line.remove(job);
    job.channel?.close('the client went away');
  }

  finished(job: Job, channel: Channel): void {
    this.#running.delete(job);
    job.channel = null;
    if (job.state === 'done' && job.begun) this.counts.answered += 1;
    this.#pool.release(channel, this.#policy);
    if (this.#line.length > 0) this.#pump();
  }

  again(job: Job): void {
    if (this.#heartbeat.beat.verdict === 'dead') {
      this.#refuse(job, this.#dead());
      return;
    }
    job.state = 'channel';
    job.stateSinceMs = this.#options.clock.monotonic();
    this.#line.addFirst(job);
    this.#pump();
  }

  /** Takes no more, lets what runs come to its end within `graceMs`, and closes everything. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort(new Error('stopped'));
    for (const job of this.#line.takeAll()) this.#refuse(job, ownAnswers.stopping(this.id));
    const end = this.#options.clock.monotonic() + graceMs;
    while (this.#running.size > 0 && this.#options.clock.monotonic() < end) await this.#options.clock.sleep(20);
    for (const job of this.#running) job.ending = ownAnswers.stopping(this.id);
    this.#pool.drop('the proxy stops');
    await this.#ended;
  }

  #pump(): void {
    if (this.#policy.mode === 'unknown' || this.#heartbeat.beat.verdict === 'dead') {
      this.#look();
      return;
    }
    for (;;) {
      const job = this.#line.next((each) => this.#mayGo(each));
      if (job === null) break;
      // A command is never written to a connection that the site may just have closed; neither is a second try.
      const fresh = job.attempts > 0 || job.request?.method !== 'GET';
      const channel = this.#pool.take(this.#policy, fresh);
      if (channel === null) {
        this.#line.addFirst(job);
        break;
      }
      job.state = 'response';
      job.stateSinceMs = this.#options.clock.monotonic();
      job.channel = channel;
      job.attempts += 1;
      this.#running.add(job);
      run(this, job, channel);
    }
    this.#look();
  }

  /** Queries that wait for something to happen on the site leave one channel to the others. */
  #mayGo(job: Job): boolean {
    if (job.request?.wait == null || this.#policy.cap < 2) return true;
    let waiting = 0;
    for (const other of this.#running) if (other.request?.wait != null) waiting += 1;
    return waiting < this.#policy.cap - 1;
  }

  #learn(facts: ProbeFacts, { ms, firstMs }: { readonly ms: number; readonly firstMs: number | null }): void {
    const { clock, emit } = this.#options;
    const { channels } = this.settings;
    const now = clock.monotonic();
    this.#lastHeardMs = now;
    const before = this.#policy;
    if (this.#facts?.programStart !== facts.programStart || this.#facts.version !== facts.version) {
      this.#kind = serverKindOf(facts.version);
      this.#policy = learnKind(this.#policy, channels, this.#kind, now);
      if (this.#facts !== null) this.onRestart();
      this.#facts = facts;
    }
    if (firstMs !== null) this.#policy = learnLatency(this.#policy, channels, firstMs, ms, now);
    this.#policy = restored(this.#policy, channels, this.#kind, now);
    const { mode, cap, why } = this.#policy;
    if (mode === before.mode && cap === before.cap) return;
    emit('livestatus:policy', { site: this.id, mode, channels: cap, reason: why });
    this.#pool.trim(this.#policy);
  }

  #judge(before: Heartbeat, now: Heartbeat, result: ProbeResult, error: string): void {
    const { clock, emit } = this.#options;
    const { id } = this;
    if (error !== '') this.#lastFailure = { at: clock.now(), error };
    if (result.kind === 'late' && this.#pool.busy > 0 && now.verdict !== 'dead') {
      this.#policy = learnOverload(this.#policy, clock.monotonic());
      emit('livestatus:overloaded', { site: id, channels: this.#policy.cap, error });
    }
    if (now.verdict === 'ready' && before.verdict !== 'ready') {
      if (before.verdict !== 'suspect')
        emit('livestatus:ready', { site: id, server: this.#facts?.version ?? '', address: formatAddress(this.settings.address) });
      this.#fill();
      this.#pump();
    }
    if (now.verdict === 'suspect' && before.verdict !== 'suspect') emit('livestatus:suspect', { site: id, error });
    if (now.verdict !== 'dead' || before.verdict === 'dead') return;
    emit('livestatus:dead', { site: id, error });
    const answer = this.#dead();
    for (const job of this.#running) job.ending = answer;
    this.#pool.drop(error);
    for (const job of this.#line.takeAll()) this.#refuse(job, answer);
  }

  #dead(): OwnAnswer {
    return ownAnswers.dead(this.id, this.#lastFailure?.error ?? 'it does not answer');
  }

  #refuse(job: Job, answer: OwnAnswer): void {
    job.state = 'done';
    this.counts.refused += 1;
    job.asker.refuse(answer);
  }

  /** Opens the missing channels of a persistent site; after a failure only when some time has passed. */
  #fill(): void {
    if (this.#filling || this.#stopping.signal.aborted || this.#heartbeat.beat.verdict !== 'ready') return;
    while (this.#pool.fill(this.#policy));
  }

  #fillLater(): void {
    const { signal } = this.#stopping;
    if (this.#filling || signal.aborted) return;
    this.#filling = true;
    const { clock, random } = this.#options;
    void clock.sleep(this.settings.heartbeat.retryMs * (0.5 + random() / 2), signal).then(
      () => {
        this.#filling = false;
        this.#fill();
      },
      () => undefined, // stopped
    );
  }

  /** Looks after time limits as long as anybody is there to have one. */
  #look(): void {
    if (this.#looking || (this.#line.length === 0 && this.#running.size === 0)) return;
    this.#looking = true;
    const { clock } = this.#options;
    void clock.sleep(lookMs).then(() => {
      this.#looking = false;
      this.#expire(clock.monotonic());
      this.#look();
    });
  }

  #expire(now: number): void {
    const { waitMs, queryTimeoutMs } = this.settings;
    const starting = this.#policy.mode === 'unknown';
    const answer = starting ? ownAnswers.starting(this.id) : ownAnswers.busy(this.#policy.cap);
    for (const job of this.#line.expired(now - waitMs)) this.#refuse(job, answer);
    for (const job of this.#running) {
      const wait = job.request?.wait;
      const limitMs =
        wait == null ? queryTimeoutMs : wait.limitMs === null ? Number.POSITIVE_INFINITY : queryTimeoutMs + wait.limitMs;
      if (now - job.stateSinceMs < limitMs) continue;
      job.ending = ownAnswers.timeout(Math.round(limitMs / 1000));
      job.channel?.close('the query took too long');
    }
  }
}
