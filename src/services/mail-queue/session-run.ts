import { dotStuffed } from '../../core/mail/dot-stuffing.ts';
import { type Step, serverFate, stepAfter } from '../../core/mail/outcome.ts';
import { retryDelayMs } from '../../core/mail/schedule.ts';
import type { RecipientResult } from '../../core/mail/smtp-machine.ts';
import { type DeliveryOptions, surely } from './delivery-options.ts';
import type { Settlement } from './mail-store.ts';
import type { DeliveryKey, DeliveryRecord } from './records.ts';
import type { ServerLane, Task } from './server-lane.ts';
import { endOf, raise } from './server-news.ts';
import type { SmtpSession } from './smtp-session.ts';

/** How a session talks to who opened it. */
export interface SessionTools {
  /** There may be work for others. */
  readonly wake: () => void;
  /** It has taken what it could. */
  readonly begun: () => void;
}

type Recipient = Task['recipients'][number];

/** What a session does once it is open. */
export class SessionRun {
  readonly #options: DeliveryOptions;
  readonly #lane: ServerLane;
  readonly #lanes: readonly ServerLane[];
  readonly #session: SmtpSession;
  readonly #isPlain: boolean;
  readonly #hard: AbortSignal;
  readonly #tools: SessionTools;
  sent = 0;
  /** What became of mails, not written down yet: never more than `window`. */
  #outcomes: Settlement[] = [];
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
    const tasks = await this.#take(limit);
    this.#tools.begun();
    if (tasks.length === 0) return false;
    // More may be due than this session took; others may help.
    if (tasks.length >= limit && this.#lane.hasRoom) this.#tools.wake();
    while (tasks.length > 0 && this.#session.end === null && !soft.aborted) {
      const task = tasks.shift() as Task;
      this.#outcomes.push(...(await this.#send(task, tasks)));
      // After the last one there is another transaction anyway: it takes the next ones.
      if (tasks.length > 0 && this.#outcomes.length >= this.#options.window) await this.writeDown();
    }
    // What another server refused goes on with its cycle; the rest is as if it had not been taken.
    const begun = tasks.filter(isBegun);
    this.#lane.handed.unshift(...begun);
    this.#outcomes.push(...tasks.filter((task) => !isBegun(task)).flatMap(returned));
    return true;
  }

  /** To be called before the session is left. */
  async writeDown(): Promise<void> {
    const { store, time } = this.#options;
    if (this.#outcomes.length === 0) return;
    await surely(this.#options, this.#hard, () => store.settle(this.#outcomes, time.now()));
    this.#areWritten();
  }

  #areWritten(): void {
    if (this.#outcomes.some(({ what }) => what.kind !== 'delivered')) this.#tools.wake();
    this.#outcomes = [];
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
    if (handed.length > 0 || this.#isPlain) {
      await this.writeDown();
      return handed;
    }
    const { store, time } = this.#options;
    const take = () => store.take(this.#lane.name, time.now(), limit, this.#outcomes);
    const jobs = this.#outcomes.length === 0 ? await take() : await surely(this.#options, this.#hard, take);
    this.#areWritten();
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
    if (plain !== undefined) {
      this.#lane.handed.push({ ...task, recipients: plain, isPlain: true });
      this.#tools.wake();
    }
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
