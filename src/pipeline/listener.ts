import { decodeNotification } from '../core/convert/envelope.ts';
import { outputSize } from '../core/convert/output-size.ts';
import { isReports, pushedReports } from '../core/liveness/pushed-reports.ts';
import type { Custody, Delivery, Input } from '../inputs/input.ts';
import type { Clock } from '../lib/clock.ts';
import { linkedAbort } from '../lib/linked-abort.ts';
import { PagePool } from '../lib/text-pages.ts';
import { classify, Fault } from '../model/faults.ts';
import type { Notification } from '../model/notification.ts';
import type { Sample } from '../model/sample.ts';
import { type Appender, custodyLost } from '../topics/topic.ts';
import { feedsShown, isCanary, sentAt } from './canary.ts';
import { crashPoint } from './crash-point.ts';
import type { DeadLetters } from './dead-letters.ts';
import { toEntries } from './entries.ts';
import { insist } from './insist.ts';
import type { Intake } from './intake.ts';
import type { CurrentListening, ListenerLimits, Listening, Use } from './listening.ts';
import { createProof, type Proof } from './proof.ts';
import { Refusals } from './refusals.ts';
import type { Sequencer } from './sequencer.ts';
import type { Tally } from './tally.ts';
import type { Watching } from './watching.ts';
import { computeDirect, deliverDirect, into, type NewLetter, newWork, type Work } from './work.ts';

/**
 * The way of a raw message, up to where it may be acknowledged:
 *
 *     take a batch → decode → convert → route → make durable (append, publish, dead-letter) → acknowledge → prove
 *
 * Acknowledge last: a delivery is settled only when everything that came of it is confirmed by its topic, accepted or held by
 * its direct sink's publishers, or stands in the dead letters. Whatever dies before that, the source gives it again, and its
 * ids tell the workers that they know it. One bad message becomes a dead letter; its neighbours pass.
 */
export interface ListenerParts {
  readonly name: string;
  readonly intake: Intake<Delivery>;
  readonly input: Pick<Input, 'prove'>;
  /** The input's feeds that canaries speak for (`feedsOf`). */
  readonly feeds: readonly string[];
  readonly listening: CurrentListening;
  readonly appender: Appender;
  readonly sequencer: Sequencer;
  readonly deadLetters: DeadLetters;
  readonly tally: Tally;
  readonly clock: Clock;
  readonly maxBatch: number;
  /** A batch waits so long for more, if the one before held enough (`lingerFrom`). */
  readonly lingerMs: number;
  readonly watching?: Watching;
}

type ListenerDeps = ListenerParts & Listening;

/** Runs until the intake ends (soft) or `hard` aborts; what was not made durable by then is given back. */
export async function runListener(deps: ListenerParts, hard: AbortSignal): Promise<void> {
  const proof = createProof(deps);
  const refusals = new Refusals(deps.clock);
  try {
    await listen(deps, proof, refusals, hard);
    if (hard.aborted) giveBackWaiting(deps, hard.reason);
  } catch (error) {
    giveBackWaiting(deps, error);
    throw error;
  } finally {
    refusals.end();
  }
  await proof.finished(hard);
}

function giveBackWaiting({ intake }: ListenerParts, reason: unknown): void {
  for (const delivery of intake.fail(reason)) delivery.giveBack();
}

async function listen(parts: ListenerParts, proof: Proof, refusals: Refusals, hard: AbortSignal): Promise<void> {
  let before = 0;
  const pool = new PagePool(mostPages);
  for (;;) {
    const lingerMs = before >= parts.listening.value.lingerFrom ? parts.lingerMs : 0;
    const batch = await parts.intake.take(parts.maxBatch, lingerMs, parts.clock, hard);
    if (batch === null) return;
    before = batch.length;
    for (let left: readonly Delivery[] = batch; left.length > 0; ) {
      const together = ofOneCustody(left);
      const custody = left[0]?.custody;
      const use = await enterUnless(parts.listening, hard);
      if (use === null) {
        for (const delivery of left) delivery.giveBack();
        return;
      }
      const deps: ListenerDeps = { ...parts, ...use.value };
      // Leaves, too, when what is being made durable may be another listener's by now, or is for sinks that are being replaced.
      const leave = linkedAbort(hard, use.cutOff, ...(custody === undefined ? [] : [custody.lost]));
      let work: Work;
      try {
        hard.throwIfAborted();
        if (custody?.holds() === false) throw custodyLost();
        work = readBatch(deps, together, pool);
        await makeDurable(deps, work, custody, leave.signal);
      } catch (error) {
        leave.abort(error);
        if (!hard.aborted && (custody?.holds() === false || use.cutOff.aborted)) {
          abandon(deps, together);
          left = left.slice(together.length);
          continue;
        }
        for (const delivery of left) delivery.giveBack();
        if (hard.aborted) return;
        throw error;
      } finally {
        leave.release();
        use.leave();
      }
      crashPoint('before-raw-ack');
      for (const delivery of left.slice(0, work.read)) if (!work.refused.has(delivery)) delivery.settle();
      refusals.hold([...work.refused]);
      left = left.slice(work.read);
      proof.settled(parts.intake.taken - left.length);
    }
  }
}

async function enterUnless(listening: CurrentListening, hard: AbortSignal): Promise<Use | null> {
  try {
    return await listening.enter(hard);
  } catch {
    return null; // only our own leaving keeps anybody out for good
  }
}

function ofOneCustody(deliveries: readonly Delivery[]): readonly Delivery[] {
  const end = deliveries.findIndex(({ custody }) => custody !== deliveries[0]?.custody);
  return end < 0 ? deliveries : deliveries.slice(0, end);
}

/**
 * They come again, here or elsewhere. Some entries that were made of them may stand in the topics and some never will, so what follows is
 * numbered anew: nothing waits for those that will not come.
 */
function abandon(deps: ListenerParts, deliveries: readonly Delivery[]): void {
  for (const delivery of deliveries) delivery.giveBack();
  deps.tally.abandoned += deliveries.length;
  deps.sequencer.renew();
}

/** A batch is passed on in portions of about so many bytes: five hundred large notifications at once would take all memory. */
const maxPortionBytes = 16 * 1024 * 1024;

/**
 * So many notifications become text for direct sinks at a time. What is read lives until its batch is durable, and a collection of young
 * garbage copies what lives: the items of 500 notifications cost more to copy than to make (decision 9).
 */
const computedAtOnce = 16;

/** 8 MiB are kept for the text of the next batch. */
const mostPages = 32;

function readBatch(deps: ListenerDeps, batch: readonly Delivery[], pool: PagePool): Work {
  const work = newWork(pool);
  for (const delivery of batch) {
    if (work.bytes >= maxPortionBytes) break;
    work.read += 1;
    work.bytes += delivery.body.length;
    deps.tally.received += 1;
    work.redelivered ||= delivery.redelivered;
    try {
      readDelivery(deps, delivery, work);
    } catch (error) {
      const fault = classify(error);
      work.letters.push(letterOf(deps, delivery, 'decode', fault.code, fault.message));
    }
    delivery.bodyRead?.();
    if (work.read % computedAtOnce === 0) computeDirect(work);
  }
  computeDirect(work);
  return work;
}

function readDelivery(deps: ListenerDeps, delivery: Delivery, work: Work): void {
  const { again } = delivery;
  if (again?.kind === 'items') {
    for (const part of again.parts)
      if (!deps.router.routeTo(again.sink, part, into(deps.sinks, work)))
        throw new Fault('poison', 'no_such_sink', `there is no sink ${again.sink}`);
    return;
  }
  const { maxMessageBytes: maxBytes, maxDepth, maxString } = deps.limits;
  const notification = decodeNotification(delivery.body, delivery.priority, { maxBytes, maxDepth, maxString });
  if (isCanary(notification)) {
    const sent = Math.min(sentAt(notification), deps.clock.now());
    for (const feed of feedsShown(deps.feeds, delivery.origin)) work.canaries.push([feed, sent]);
    return;
  }
  if (isReports(notification)) {
    readReports(deps, delivery, notification, work);
    return;
  }
  const converted = deps.converter.convert(notification);
  const { verdict, problems } = converted;
  if (verdict === 'requeue') {
    work.refused.add(delivery);
    return;
  }
  // What the other kind came to stands since the first time, and whoever has it need not know this id any more.
  const samples = again?.only === 'events' ? [] : converted.samples;
  const events = again?.only === 'samples' ? [] : converted.events;
  const { message_id: id } = notification;
  const { traceparent } = delivery;
  const trace = deps.watching?.converted(deps.name, delivery.origin, id, samples, events, traceparent);
  for (const problem of problems)
    work.letters.push(letterOf(deps, delivery, problem.stage, problem.code, problem.message, notification));
  const excess = excessOf(deps.limits, samples, delivery.body.length);
  if (excess !== null) {
    work.letters.push(letterOf(deps, delivery, 'samples', excess.reason, excess.message, notification));
    return;
  }
  // Each sample holds the whole notification at most.
  work.bytes += Math.min(samples.length * delivery.body.length, maxGrowth * maxBytes);
  deps.tally.samples += samples.length;
  deps.tally.events += events.length;
  deps.router.route(id, samples, events, into(deps.sinks, work, trace));
}

function readReports(deps: ListenerDeps, delivery: Delivery, notification: Notification, work: Work): void {
  if (deps.reports == null) {
    const message = 'Reports of hosts came, and `liveness` is off.';
    work.letters.push(letterOf(deps, delivery, 'reports', 'no_liveness', message, notification));
    return;
  }
  const { items, count, problems } = pushedReports(notification, deps.clock.now());
  if (problems.length > 0) {
    const message = `${problems.length} of ${problems.length + count} reports are none: ${problems.slice(0, 5).join('; ')}`;
    work.letters.push(letterOf(deps, delivery, 'reports', 'bad_report', message, notification));
  }
  deps.tally.samples += count;
  deps.reports.route(notification.message_id, items, [], into(deps.sinks, work));
}

/** The samples of one notification may come to so many times what a notification may have. */
const maxGrowth = 16;

function excessOf(
  { maxSamplesPerNotification, maxMessageBytes }: ListenerLimits,
  samples: readonly Sample[],
  bytes: number,
): { readonly reason: string; readonly message: string } | null {
  if (samples.length > maxSamplesPerNotification) {
    const message = `${samples.length} samples in one notification; at most ${maxSamplesPerNotification} are taken.`;
    return { reason: 'too_many_samples', message };
  }
  const bound = maxGrowth * maxMessageBytes;
  // Each sample holds the whole notification at most, so nearly none has to be measured.
  if (samples.length * bytes <= bound || outputSize(samples) <= bound) return null;
  const message = `${samples.length} samples of ${bytes} bytes come to more than ${bound} bytes.`;
  return { reason: 'too_large_output', message };
}

async function makeDurable(deps: ListenerDeps, work: Work, custody: Custody | undefined, signal: AbortSignal): Promise<void> {
  const mayGo = () => custody?.holds() !== false;
  const entries = toEntries(deps, work);
  const waits: Promise<unknown>[] = [];
  crashPoint('before-append');
  if (entries.length > 0) waits.push(deps.appender.append(entries, signal, mayGo).then(() => crashPoint('after-append')));
  const { clock } = deps;
  waits.push(deliverDirect(work, clock, signal));
  for (const letter of work.letters) waits.push(insist(clock, signal, () => deps.deadLetters.record(letter)));
  await Promise.all(waits);
  deps.watching?.appended(work.parts);
  deps.tally.appended += entries.length;
}

function letterOf(
  deps: ListenerDeps,
  delivery: Delivery,
  stage: string,
  reason: string,
  message: string,
  notification?: Notification,
): NewLetter {
  deps.tally.letters += 1;
  return {
    stage,
    reason,
    message,
    sink: null,
    publisher: null,
    origin: delivery.origin,
    messageId: notification?.message_id ?? null,
    body: delivery.body,
  };
}
