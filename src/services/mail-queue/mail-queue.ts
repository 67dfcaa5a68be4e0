import { defaultSchedule, type Schedule } from '../../core/mail/schedule.ts';
import { type CooldownPolicy, defaultCooldown } from '../../core/mail/server-health.ts';
import type { Clock } from '../../lib/clock.ts';
import { linkedAbort } from '../../lib/linked-abort.ts';
import { isOwnerAlive, processOwner } from '../../lib/process-owner.ts';
import { classify, Fault } from '../../model/faults.ts';
import type { AcceptedMails, AcceptHow, MailAcceptor, MailDraft, MailServer } from '../../model/mail.ts';
import type { Emit } from '../../telemetry/events.ts';
import { acceptDrafts, type Caps } from './accept.ts';
import { AmongAgents } from './among-agents.ts';
import { type Compose, composer, type Dkim } from './compose.ts';
import { Deliverer, type DelivererSignals, type ServerView } from './deliverer.ts';
import type { DeliveryOptions } from './delivery-options.ts';
import { sendDueDigests } from './digest-mails.ts';
import { forgetOld } from './forget.ts';
import { MailFile } from './mail-file.ts';
import { MailStore } from './mail-store.ts';
import { Operator } from './operator.ts';
import { QueueTime } from './queue-time.ts';
import type { MailRecord } from './records.ts';
import { openSession } from './servers.ts';
import { defaultTimeouts, SmtpSession, type Timeouts } from './smtp-session.ts';

export interface MailQueueConfig {
  readonly directory: string;
  /** `Name <a@b>` or an address. */
  readonly from: string;
  /** Our name in EHLO and the right side of Message-IDs. */
  readonly hello: string;
  readonly dkim: Dkim | null;
  readonly servers: readonly MailServer[];
  readonly caps: Caps;
  readonly onUncertain: 'retry' | 'hold';
  /** How many mails of a session are written down together. */
  readonly window: number;
  readonly timeouts?: Partial<Timeouts>;
  readonly schedule?: Schedule;
  readonly cooldown?: CooldownPolicy;
}

export interface MailQueueOptions {
  readonly config: MailQueueConfig;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  /** A dead letter, on disk when it resolves. */
  readonly bury: (letter: DeadMail) => Promise<void>;
  /** Shared with agents of other data directories; null or nothing: there are none. */
  readonly acceptedMails?: AcceptedMails | null;
  /** This process; tests have several in one. */
  readonly owner?: string;
  readonly isAlive?: (owner: string) => boolean;
  readonly compose?: Compose;
  readonly beforeTransaction?: () => Promise<void> | void;
}

/** A mail that is given up. */
export interface DeadMail {
  readonly reason: string;
  readonly message: string;
  readonly sink: string;
  readonly to: string;
  readonly messageId: string;
  readonly body: Uint8Array;
  readonly firstSeen: number;
}

const electionMs = 1_000;
const tendMs = 1_000;
const cutText = 4_000;
/** `commit_after: attempt` waits so long for the first try, and looks so often. */
const attemptMs = 10_000;
const attemptLookMs = 50;

/**
 * Mails that are accepted are delivered, or become dead letters: nothing else. `accept` works in every process on the data directory;
 * one of them delivers, and another takes over when it is gone.
 */
export class MailQueue implements MailAcceptor {
  readonly #options: MailQueueOptions;
  readonly #file: MailFile;
  readonly #time: QueueTime;
  readonly #compose: Compose;
  readonly #store: MailStore;
  readonly #deliverer: Deliverer;
  readonly #others: AmongAgents;
  readonly operator: Operator;
  /** This process delivers, or will once the one before is gone. */
  isDeliverer = false;

  private constructor(options: MailQueueOptions, file: MailFile) {
    const { config, clock, random, emit } = options;
    this.#options = options;
    this.#file = file;
    this.#time = new QueueTime(clock, file.ledger().sums.reachedAt);
    this.#compose = options.compose ?? composer({ from: config.from, dkim: config.dkim });
    this.#store = new MailStore(file);
    this.#others = new AmongAgents(options.acceptedMails ?? null, emit);
    const delivery: DeliveryOptions = {
      store: this.#store,
      time: this.#time,
      clock,
      random,
      emit,
      hello: config.hello,
      timeouts: { ...defaultTimeouts, ...config.timeouts },
      schedule: config.schedule ?? defaultSchedule,
      onUncertain: config.onUncertain,
      window: config.window,
      cut: (seq, mail) => this.#cut(seq, mail),
      bury: (mail, body, { said, what }, to) =>
        options.bury({
          reason: what.kind === 'failed' ? `mail_${what.reason}` : 'mail_failed',
          message: `${to}: ${said ?? 'never tried'}`,
          sink: mail.sink,
          to,
          messageId: mail.messageId,
          body: body ?? new Uint8Array(),
          firstSeen: mail.createdAt,
        }),
    };
    this.#deliverer = new Deliverer(delivery, config.servers, config.cooldown ?? defaultCooldown);
    this.operator = new Operator(file, this.#time, () => this.#deliverer.wake());
  }

  static async open(options: MailQueueOptions): Promise<MailQueue> {
    const { config, clock, beforeTransaction } = options;
    const file = await MailFile.open({
      directory: config.directory,
      clock,
      ...(beforeTransaction === undefined ? {} : { beforeTransaction }),
    });
    return new MailQueue(options, file);
  }

  /** What another agent has accepted is accepted. */
  async accept(drafts: readonly MailDraft[], how: AcceptHow): Promise<void> {
    how.signal.throwIfAborted();
    const fresh = await this.#others.fresh(drafts);
    if (fresh.length > 0) await this.#acceptHere(fresh, how);
    // Not before `accept` would resolve: whoever is told may rely on us as our own pipeline does.
    await this.#others.tell(fresh);
  }

  async #acceptHere(drafts: readonly MailDraft[], { signal, afterAttempt }: AcceptHow): Promise<void> {
    const { config, clock } = this.#options;
    const context = { file: this.#file, compose: this.#compose, from: config.from, domain: config.hello, caps: config.caps };
    const before = this.#file.ledger().sums.next;
    await acceptDrafts({ ...context, now: () => this.#time.now() }, drafts);
    this.#deliverer.wake();
    if (!afterAttempt) return;
    const until = clock.monotonic() + attemptMs;
    const keys = new Set(drafts.map((draft) => draft.key));
    while (clock.monotonic() < until && this.operator.isUntried(before, keys)) await clock.sleep(attemptLookMs, signal);
  }

  probe(signal: AbortSignal): Promise<void> {
    return probeServers(this.#options.config, this.#options.clock, signal);
  }

  /** Runs until stopped. What is being sent may be finished after `soft`. */
  async run(signals: DelivererSignals): Promise<void> {
    const { clock, config, emit } = this.#options;
    const leaving = linkedAbort(signals.soft, signals.hard);
    const either = leaving.signal;
    try {
      while (!(await this.#elected())) await clock.sleep(electionMs, either);
      this.isDeliverer = true;
      const found = await this.#store.recover(this.#time.now(), config.onUncertain);
      if (found > 0) emit('mail:recovered', { mails: found });
      await Promise.all([this.#deliverer.run(signals), this.#tend(either)]);
    } catch (error) {
      if (!either.aborted) throw error;
    } finally {
      leaving.release();
    }
    this.isDeliverer = false;
    await this.#resign();
  }

  servers(): ServerView[] {
    return this.#deliverer.view();
  }

  get store(): MailStore {
    return this.#store;
  }

  /** Share of its bound, 0 to 1 and a little more. */
  fill(): number {
    const { deliveries, digestLines, bytes } = this.operator.stats();
    const { caps } = this.#options.config;
    return Math.max((deliveries + digestLines) / caps.deliveries, bytes / caps.bytes);
  }

  now(): number {
    return this.#time.now();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  get #owner(): string {
    return this.#options.owner ?? processOwner();
  }

  #elected(): Promise<boolean> {
    const isAlive = this.#options.isAlive ?? isOwnerAlive;
    return this.#file.transact(() => {
      const owner = this.#file.meta.get('deliverer');
      if (owner !== undefined && owner !== this.#owner && isAlive(owner)) return false;
      this.#file.meta.put('deliverer', this.#owner);
      return true;
    });
  }

  async #resign(): Promise<void> {
    await this.#file
      .transact(() => {
        if (this.#file.meta.get('deliverer') === this.#owner) this.#file.meta.remove('deliverer');
      })
      .catch((error: unknown) => this.#options.emit('mail:stalled', { error })); // the next one sees that we are gone
  }

  /** Digests, what is to be forgotten, what others may want to see. */
  async #tend(either: AbortSignal): Promise<void> {
    const { clock, config, emit } = this.#options;
    const digests = { file: this.#file, compose: this.#compose, from: config.from, domain: config.hello };
    while (!either.aborted) {
      try {
        const now = this.#time.now();
        if ((await sendDueDigests(digests, now)) > 0) this.#deliverer.wake();
        while ((await forgetOld(this.#file, now)) && !either.aborted);
        await this.operator.show(this.servers());
      } catch (error) {
        emit('mail:stalled', { error: classify(error) });
      }
      await clock.sleep(tendMs, either).catch(() => undefined); // we leave
    }
  }

  /** Same mail, same Message-ID and Date; only the beginning of its text, and no attachments. */
  async #cut(seq: number, mail: MailRecord): Promise<void> {
    const note = `\n\n(Cut: no mail server took all ${mail.bytes} bytes of it.)\n`;
    const composed = await this.#compose({
      to: this.operator.recipients(seq),
      subject: mail.subject,
      text: mail.summary.slice(0, cutText) + note,
      html: null,
      attachments: [],
      messageId: mail.messageId,
      thread: mail.thread,
      at: mail.at,
    });
    await this.#store.replaceBody(seq, composed.bytes, this.#time.now());
  }
}

/** As far as a mail may be sent, with one server after the other. Throws a retryable Fault when none lets us. */
export async function probeServers(config: MailQueueConfig, clock: Clock, signal: AbortSignal): Promise<void> {
  const faults: string[] = [];
  const setup = { clock, hello: config.hello, timeouts: { ...defaultTimeouts, ...config.timeouts } };
  for (const server of config.servers) {
    const opened = await openSession(server, setup, true, signal);
    if (opened instanceof SmtpSession) return await opened.close();
    signal.throwIfAborted();
    faults.push(`${server.name}: ${opened.stage}: ${opened.said}`);
  }
  throw new Fault('retryable', 'mail_server', `no mail server can be used (${faults.join('; ')})`);
}
