import { dotStuffed } from '../../core/mail/dot-stuffing.ts';
import { type Step, serverFate, stepAfter } from '../../core/mail/outcome.ts';
import { retryDelayMs, type Schedule } from '../../core/mail/schedule.ts';
import type { RecipientResult } from '../../core/mail/smtp-machine.ts';
import type { Clock } from '../../lib/clock.ts';
import { retryLoop } from '../../lib/retry-loop.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { MailStore, Settlement } from './mail-store.ts';
import type { QueueTime } from './queue-time.ts';
import type { DeliveryKey, DeliveryRecord, MailRecord } from './records.ts';
import type { ServerLane, Task } from './server-lane.ts';
import { openSession, type SessionSetup } from './servers.ts';
import { type SessionEnd, SmtpSession } from './smtp-session.ts';

export interface DeliveryOptions extends SessionSetup {
  readonly store: MailStore;
  readonly time: QueueTime;
  readonly clock: Clock;
  readonly random: () => number;
  readonly emit: Emit;
  readonly schedule: Schedule;
  readonly onUncertain: 'retry' | 'hold';
  /** How many mails a session takes, and writes down, together. 1: each by itself. */
  readonly window: number;
  /** A shorter text for a mail that no server takes as it is. */
  readonly cut: (seq: number, mail: MailRecord) => Promise<void>;
  /** A dead letter, on disk when it resolves. */
  readonly bury: (mail: MailRecord, body: Uint8Array | null, settlement: Settlement, to: string) => Promise<void>;
}

/** How a session talks to who opened it. */
export interface SessionTools {
  /** There may be work for others. */
  readonly wake: () => void;
  /** It has taken what it could. */
  readonly begun: () => void;
}

type Recipient = Task['recipients'][number];

const sessionMails = 100;
const sessionMs = 300_000;
const idleMs = 2_000;

/**
 * One session with one server, from connecting to goodbye: takes what is due, sends it, decides per recipient, writes down what became
 * of it. What it was given is always settled: delivered, later, failed, handed to the next server, or returned untouched.
 */
export async function runSession(
  options: DeliveryOptions,
  lane: ServerLane,
  lanes: readonly ServerLane[],
  isPlain: boolean,
  signals: { readonly soft: AbortSignal; readonly hard: AbortSignal },
  tools: SessionTools,
): Promise<void> {
  const { clock } = options;
  const opened = await openSession(lane.config, options, !isPlain, signals.hard);
  if (!(opened instanceof SmtpSession)) {
    if (!signals.hard.aborted) endOf(options, lane, opened);
    return;
  }
  const run = new SessionRun(options, lane, lanes, opened, isPlain, signals.hard, tools);
  const onHard = () => opened.abandon();
  signals.hard.addEventListener('abort', onHard, { once: true });
  try {
    const openedAt = clock.monotonic();
    while (!signals.soft.aborted && run.sent < sessionMails && clock.monotonic() - openedAt < sessionMs && opened.end === null) {
      if (await run.takeAndSend(lane.health.kind === 'well' ? options.window : 1, signals.soft)) continue;
      if (run.sent === 0 || signals.soft.aborted) break;
      const over = new AbortController();
      const stop = () => over.abort(new Error('over'));
      signals.soft.addEventListener('abort', stop, { once: true });
      const before = clock.monotonic();
      await lane.waitForWork(clock.sleep(idleMs, over.signal).catch(() => undefined)); // over before
      signals.soft.removeEventListener('abort', stop);
      stop();
      if (clock.monotonic() - before >= idleMs) break;
    }
  } finally {
    signals.hard.removeEventListener('abort', onHard);
    if (!signals.hard.aborted) run.noteEnd();
    lane.abandonProbe(clock.monotonic());
    lane.isBusy(opened, null);
    await opened.close();
  }
}

/** What the end of a session means for its server. */
function endOf(options: DeliveryOptions, lane: ServerLane, end: SessionEnd, sent = 0): void {
  const { clock, emit, time } = options;
  const fate = serverFate(end.verdict);
  lane.lastReply = end.said;
  lane.lastReplyAt = time.now();
  // A server that ends a session of some mails is within its rights; one that lets no mail through is not.
  if (fate === 'well' && sent > 0) return;
  lane.failed(clock.monotonic(), fate === 'longest' || fate === 'alarm' ? 'longest' : 'usual');
  const until = lane.health.kind === 'cooling' ? lane.health.forMs : 0;
  emit('mail:server-away', { server: lane.name, stage: end.stage, said: end.said, forMs: until });
  if (fate === 'alarm') raise(options, lane, end.said);
}

function raise({ emit }: DeliveryOptions, lane: ServerLane, reason: string): void {
  if (lane.alarm === null) emit('mail:alarm', { server: lane.name, reason, alarm: 1 });
  lane.alarm = reason;
}

class SessionRun {
  readonly #options: DeliveryOptions;
  readonly #lane: ServerLane;
  readonly #lanes: readonly ServerLane[];
  readonly #session: SmtpSession;
  readonly #isPlain: boolean;
  readonly #hard: AbortSignal;
  readonly #tools: SessionTools;
  sent = 0;
  #isEndNoted = false;

  constructor(
    options: DeliveryOptions,
    lane: ServerLane,
    lanes: readonly ServerLane[],
    session: SmtpSession,
    isPlain: boolean,
    hard: AbortSignal,
    tools: SessionTools,
  ) {
    this.#options = options;
    this.#lane = lane;
    this.#lanes = lanes;
    this.#session = session;
    this.#isPlain = isPlain;
    this.#hard = hard;
    this.#tools = tools;
  }

  /** False: there is nothing to send. */
  async takeAndSend(limit: number, soft: AbortSignal): Promise<boolean> {
    const { store, time, window } = this.#options;
    const tasks = await this.#take(limit);
    this.#tools.begun();
    if (tasks.length === 0) return false;
    // More may be due than this session took; others may help.
    if (tasks.length >= limit) this.#tools.wake();
    let settled: Settlement[] = [];
    while (tasks.length > 0 && this.#session.end === null && !soft.aborted) {
      const task = tasks.shift() as Task;
      settled.push(...(await this.#send(task, tasks)));
      if (window > 1 && settled.length < window) continue;
      await surely(this.#options, this.#hard, () => store.settle(settled, time.now()));
      settled = [];
    }
    // What another server refused goes on with its cycle; the rest is as if it had not been taken.
    const begun = tasks.filter(isBegun);
    this.#lane.handed.unshift(...begun);
    settled.push(...tasks.filter((task) => !isBegun(task)).flatMap(returned));
    if (settled.length > 0) await surely(this.#options, this.#hard, () => store.settle(settled, time.now()));
    this.#tools.wake();
    return true;
  }

  /** Once, and as soon as it is known: what happens to a mail depends on how its server is. */
  noteEnd(): void {
    const { end } = this.#session;
    if (end === null || this.#isEndNoted) return;
    this.#isEndNoted = true;
    endOf(this.#options, this.#lane, end, this.sent);
  }

  async #take(limit: number): Promise<Task[]> {
    const handed = this.#lane.handed.filter((task) => task.isPlain === this.#isPlain).slice(0, limit);
    for (const task of handed) this.#lane.handed.splice(this.#lane.handed.indexOf(task), 1);
    if (handed.length > 0 || this.#isPlain) return handed;
    const { store, time } = this.#options;
    const jobs = await store.take(this.#lane.name, time.now(), limit);
    return jobs.map((job) => ({ ...job, tried: [], isPlain: false }));
  }

  async #send(task: Task, more: Task[]): Promise<Settlement[]> {
    const { store, clock } = this.#options;
    const body = store.body(task.seq);
    if (body === null) return task.recipients.flatMap((one) => returnedOne(one));
    const { mail } = task;
    this.#lane.isBusy(this.#session, clock.monotonic());
    const results = await this.#session.send(
      {
        from: addressIn(mail.from),
        to: task.recipients.map((one) => one.delivery.to),
        size: mail.bytes,
        eightBit: mail.eightBit,
        utf8: mail.utf8,
      },
      dotStuffed(body),
    );
    this.#lane.isBusy(this.#session, null);
    if (results.length === 0) {
      if (!isBegun(task)) return returned(task);
      this.#lane.handed.unshift(task);
      return [];
    }
    this.sent += 1;
    this.noteEnd();
    if (this.#session.end === null || serverFate(this.#session.end.verdict) === 'well') this.#works();
    const settlements: Settlement[] = [];
    const groups = new Map<'again-now' | 'without-extensions' | 'next-server' | 'cut', Recipient[]>();
    const othersAccepted = results.some((result) => result.verdict === 'ok');
    for (const [index, one] of task.recipients.entries()) {
      const result = results[index] as RecipientResult;
      const step = this.#stepOf(task, one, result, othersAccepted);
      const settlement = await this.#settlementOf(task, one, result, step, body);
      if (settlement !== null) settlements.push(settlement);
      else groups.set(step.kind as 'cut', [...(groups.get(step.kind as 'cut') ?? []), one]);
    }
    settlements.push(...(await this.#goOn(task, groups, more)));
    return settlements;
  }

  #works(): void {
    const { emit } = this.#options;
    if (this.#lane.alarm !== null) emit('mail:alarm-over', { server: this.#lane.name, alarm: 0 });
    this.#lane.alarm = null;
    if (!this.#lane.works()) return;
    emit('mail:server-back', { server: this.#lane.name, forMs: 0 });
    this.#tools.wake();
  }

  #stepOf(task: Task, { delivery }: Recipient, result: RecipientResult, othersAccepted: boolean): Step {
    const { random, schedule, onUncertain, time } = this.#options;
    return stepAfter(result, {
      attempts: delivery.attempts,
      hasNext: this.#next(task) !== undefined,
      wasPlain: task.isPlain,
      wasCut: task.mail.isCut,
      othersAccepted,
      onUncertain,
      random: random(),
      now: time.now(),
      schedule,
    });
  }

  #next(task: Task): ServerLane | undefined {
    const now = this.#options.clock.monotonic();
    return this.#lanes.find((lane) => lane !== this.#lane && !task.tried.includes(lane.name) && lane.isAtHand(now));
  }

  /** Null: this recipient goes on in this cycle. */
  async #settlementOf(
    task: Task,
    one: Recipient,
    result: RecipientResult,
    step: Step,
    body: Uint8Array,
  ): Promise<Settlement | null> {
    const { emit, bury } = this.#options;
    const { key, delivery } = one;
    const server = this.#lane.name;
    const { said, stage } = result;
    this.#lane.lastReply = said;
    this.#lane.lastReplyAt = this.#options.time.now();
    const base = { key, server, said: step.kind === 'delivered' ? said : `${stage}: ${said}` };
    switch (step.kind) {
      case 'delivered':
        this.#lane.delivered += 1;
        emit('mail:delivered', { server, mails: 1 });
        return { ...base, what: { kind: 'delivered' } };
      case 'later':
        if (step.alarm !== null) raise(this.#options, this.#lane, step.alarm);
        emit(step.isUncertain ? 'mail:uncertain' : 'mail:deferred', { server, to: delivery.to, said: base.said });
        return {
          ...base,
          what: { kind: 'later', at: Math.min(this.#notBefore(step), task.mail.expiresAt), isUncertain: step.isUncertain },
        };
      case 'hold':
        emit('mail:uncertain', { server, to: delivery.to, said: base.said });
        return { ...base, what: { kind: 'hold', isUncertain: true } };
      case 'failed': {
        if (step.alarm !== null) raise(this.#options, this.#lane, step.alarm);
        const settlement: Settlement = { ...base, what: { kind: 'failed', reason: step.reason } };
        await surely(this.#options, this.#hard, () => bury(task.mail, body, settlement, delivery.to));
        emit('mail:failed', { reason: step.reason, to: delivery.to, said: base.said });
        return settlement;
      }
      default:
        return null;
    }
  }

  /** A mail that may stand at this server goes to it again, so not before it may be asked again. */
  #notBefore({ at, isUncertain }: Extract<Step, { kind: 'later' }>): number {
    const { health } = this.#lane;
    return isUncertain && health.kind === 'cooling' ? Math.max(at, this.#options.time.now() + health.forMs + 1_000) : at;
  }

  async #goOn(task: Task, groups: ReadonlyMap<string, Recipient[]>, more: Task[]): Promise<Settlement[]> {
    const again = groups.get('again-now');
    if (again !== undefined) more.unshift({ ...task, recipients: again });
    const plain = groups.get('without-extensions');
    if (plain !== undefined) this.#lane.handed.push({ ...task, recipients: plain, isPlain: true });
    const cut = groups.get('cut');
    if (cut !== undefined) await surely(this.#options, this.#hard, () => this.#options.cut(task.seq, task.mail));
    const onward = groups.get('next-server');
    const next = this.#next(task);
    const settlements = (cut ?? []).flatMap(returnedOne);
    if (onward === undefined) return settlements;
    // It was at hand a moment ago.
    if (next === undefined)
      return [...settlements, ...deferred(this.#options, { ...task, recipients: onward }, 'no server is left to try')];
    next.handed.push({ ...task, recipients: onward, tried: [...task.tried, this.#lane.name], isPlain: false });
    this.#tools.wake();
    return settlements;
  }
}

/** What a server said must be written down before anything goes on: a full disk makes us wait. Rejects only when we must leave. */
function surely<T>({ clock, random, emit }: DeliveryOptions, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const retryable = () => 250;
  return retryLoop(
    { clock, random, signal, baseMs: 500, capMs: 5_000, retryable, onRetry: (error) => emit('mail:stalled', { error }) },
    work,
  );
}

/** The cycle of a task cannot go on where it was handed to: with another server, or later. */
export function handOn(options: DeliveryOptions, from: ServerLane, lanes: readonly ServerLane[], task: Task): Settlement[] {
  const tried = [...task.tried, from.name];
  const now = options.clock.monotonic();
  const next = lanes.find((lane) => !tried.includes(lane.name) && lane.isAtHand(now));
  if (next === undefined) return deferred(options, task, `${from.name} does not work`);
  next.handed.push({ ...task, tried, isPlain: false });
  return [];
}

function deferred({ time, random, schedule }: DeliveryOptions, task: Task, said: string): Settlement[] {
  return task.recipients.map(({ key, delivery }) => {
    const at = time.now() + retryDelayMs(delivery.attempts, random(), 'plain', schedule);
    return {
      key,
      server: null,
      said: delivery.said ?? said,
      what: { kind: 'later', at: Math.min(at, task.mail.expiresAt), isUncertain: false },
    };
  });
}

function isBegun({ tried, isPlain }: Task): boolean {
  return tried.length > 0 || isPlain;
}

function returned(task: Task): Settlement[] {
  return task.recipients.flatMap(returnedOne);
}

function returnedOne({ key }: { readonly key: DeliveryKey; readonly delivery: DeliveryRecord }): Settlement[] {
  return [{ key, server: null, said: null, what: { kind: 'returned' } }];
}

/** `Name <a@b>` or `a@b`. */
export function addressIn(from: string): string {
  return /<([^<>]*)>\s*$/.exec(from)?.[1] ?? from.trim();
}
