import { setMaxListeners } from 'node:events';
import type { CooldownPolicy } from '../../core/mail/server-health.ts';
import type { MailServer } from '../../model/mail.ts';
import { runSession } from './delivery.ts';
import type { DeliveryOptions } from './delivery-options.ts';
import { ServerLane } from './server-lane.ts';
import { handOn } from './session-run.ts';

export interface DelivererSignals {
  /** Finish what is under way, take no more. */
  readonly soft: AbortSignal;
  readonly hard: AbortSignal;
}

export interface ServerView {
  readonly name: string;
  readonly state: 'well' | 'cooling' | 'probed';
  readonly sessions: number;
  readonly delivered: number;
  readonly lastReply: string | null;
  readonly lastReplyAt: number | null;
  readonly alarm: string | null;
}

/** Other processes write into the queue without telling; so often it is looked at anyway. */
const lookMs = 500;
const expireAtOnce = 100;

/**
 * The loop that delivers. One process of a data directory runs it. It keeps nothing of the queue in memory: what is due stands in the
 * file in the order of time, and sessions take from there.
 *
 * A server is chosen when a session is opened: the first, in the order of the configuration, that is not cooling down; the next one when
 * all sessions of it hang for ten seconds. A server that cools down costs no mail a try; only what a server answered to a mail
 * counts as one.
 */
export class Deliverer {
  readonly #options: DeliveryOptions;
  readonly #lanes: readonly ServerLane[];
  readonly #running = new Set<Promise<void>>();
  #wake: () => void = () => undefined;
  #isWoken = false;

  constructor(options: DeliveryOptions, servers: readonly MailServer[], cooldown: CooldownPolicy) {
    this.#options = options;
    this.#lanes = servers.map((server) => new ServerLane(server, cooldown));
  }

  /** Something is due, or will be sooner than it was. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  view(): ServerView[] {
    return this.#lanes.map(({ name, health, sessions, delivered, lastReply, lastReplyAt, alarm }) => ({
      name,
      state: health.kind,
      sessions,
      delivered,
      lastReply,
      lastReplyAt,
      alarm,
    }));
  }

  async run({ soft, hard }: DelivererSignals): Promise<void> {
    // Every session waits under these two.
    setMaxListeners(0, soft, hard);
    soft.addEventListener('abort', () => this.wake(), { once: true });
    hard.addEventListener('abort', () => this.wake(), { once: true });
    try {
      while (!soft.aborted && !hard.aborted) {
        this.#isWoken = false;
        try {
          await this.#expire();
          await this.#handOn();
          this.#openSessions({ soft, hard });
        } catch (error) {
          // A full disk must not end the agent: the mails are where they were.
          this.#options.emit('mail:stalled', { error });
          await this.#options.clock.sleep(lookMs, soft).catch(() => undefined); // we leave
        }
        await this.#pause(soft);
      }
    } finally {
      for (const lane of this.#lanes) lane.wakeAll();
      await Promise.all(this.#running);
      for (const lane of this.#lanes)
        for (const task of lane.handed.splice(0)) {
          const settled = task.recipients.map(({ key }) => ({
            key,
            server: null,
            said: null,
            what: { kind: 'returned' } as const,
          }));
          await this.#options.store.settle(settled, this.#options.time.now());
        }
    }
  }

  async #pause(soft: AbortSignal): Promise<void> {
    const { clock, store, time } = this.#options;
    if (this.#isWoken || soft.aborted) return;
    const due = store.nextDue();
    const untilDue = due === null ? lookMs : due - time.now();
    const over = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    // What is due already waits for a server or a session: that wakes us, or the next look finds it.
    const ms = untilDue > 0 ? Math.min(untilDue, lookMs) : lookMs;
    const slept = clock.sleep(ms, over.signal).catch(() => undefined); // woken before
    await Promise.race([slept, woken]);
    over.abort(new Error('woken'));
  }

  #openSessions(signals: DelivererSignals): void {
    const { clock, store, time } = this.#options;
    for (const lane of this.#lanes) {
      for (const isPlain of [false, true])
        if (lane.handed.some((task) => task.isPlain === isPlain)) this.#openOne(lane, isPlain, signals);
    }
    const due = store.nextDue();
    if (due === null || due > time.now()) return;
    for (const lane of this.#lanes) {
      const now = clock.monotonic();
      if (lane.ask(now).kind === 'wait') continue;
      if (lane.sessions >= lane.config.sessions && lane.isSlow(now)) continue;
      this.#openOne(lane, false, signals);
      return;
    }
  }

  #openOne(lane: ServerLane, isPlain: boolean, signals: DelivererSignals): void {
    if (!isPlain && lane.wakeOne()) return;
    if (lane.sessions >= lane.config.sessions || (!isPlain && lane.opening > 0)) return;
    const admission = lane.ask(this.#options.clock.monotonic());
    if (admission.kind === 'wait') return;
    if (admission.kind === 'probe') {
      if (lane.sessions > 0) return;
      lane.health = admission.health;
    }
    lane.sessions += 1;
    lane.opening += 1;
    let isOpening = true;
    const begun = () => {
      if (isOpening) lane.opening -= 1;
      isOpening = false;
    };
    const tools = { wake: () => this.wake(), begun };
    const session = runSession(this.#options, lane, this.#lanes, isPlain, signals, tools)
      .catch((error: unknown) => this.#options.emit('mail:stalled', { error }))
      .finally(() => {
        begun();
        lane.sessions -= 1;
        this.#running.delete(session);
        this.wake();
      });
    this.#running.add(session);
  }

  /** What was handed to a server that does not work any more. */
  async #handOn(): Promise<void> {
    const { clock, store, time } = this.#options;
    const now = clock.monotonic();
    for (const lane of this.#lanes) {
      if (lane.handed.length === 0 || lane.isAtHand(now)) continue;
      const settled = lane.handed.splice(0).flatMap((task) => handOn(this.#options, lane, this.#lanes, task));
      if (settled.length > 0) await store.settle(settled, time.now());
    }
  }

  async #expire(): Promise<void> {
    const { store, time, bury, emit } = this.#options;
    const now = time.now();
    const found = store.expired(now, expireAtOnce);
    if (found.length === 0) return;
    for (const { key, delivery, mail } of found) {
      const said = delivery.said;
      await bury(
        mail,
        store.body(key[0]),
        { key, server: delivery.server, said, what: { kind: 'failed', reason: 'expired' } },
        delivery.to,
      );
      emit('mail:failed', { reason: 'expired', to: delivery.to, said: said ?? 'never tried' });
    }
    await store.expire(
      found.map(({ key }) => key),
      now,
    );
  }
}
