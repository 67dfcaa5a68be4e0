import type { Converter } from '../core/convert/converter.ts';
import { decodeNotification } from '../core/convert/envelope.ts';
import { outputSize } from '../core/convert/output-size.ts';
import { itemLines } from '../core/convert/wire.ts';
import type { Router } from '../core/route/router.ts';
import type { Delivery, Input } from '../inputs/input.ts';
import type { Clock } from '../lib/clock.ts';
import { type DataEntry, type Part, printEntry } from '../model/entry.ts';
import { classify } from '../model/faults.ts';
import type { Notification } from '../model/notification.ts';
import type { Sample } from '../model/sample.ts';
import { type Appender, type PartitionRef, partitionName } from '../topics/topic.ts';
import { feedsShown, isCanary, sentAt } from './canary.ts';
import { crashPoint } from './crash-point.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { DirectSink } from './direct-sink.ts';
import { insist } from './insist.ts';
import type { Intake } from './intake.ts';
import { Refusals } from './refusals.ts';
import { Room } from './room.ts';
import type { Sequencer } from './sequencer.ts';
import type { Tally } from './tally.ts';
import { speak } from './unspeakable.ts';

/**
 * The way of a raw message, up to where it may be acknowledged:
 *
 *     take a batch → decode → convert → route → make durable (append, publish, dead-letter) → acknowledge → prove
 *
 * Acknowledge last: a delivery is settled only when everything that came of it is confirmed by its topic, accepted or held by
 * its direct sink's publishers, or stands in the dead letters. Whatever dies before that, the source gives it again, and its
 * ids tell the workers that they know it. One bad message becomes a dead letter; its neighbours pass.
 */
export interface ListenerDeps {
  readonly name: string;
  readonly intake: Intake<Delivery>;
  readonly input: Pick<Input, 'prove'>;
  /** The input's feeds that canaries speak for (`feedsOf`). */
  readonly feeds: readonly string[];
  readonly converter: Converter;
  readonly router: Router;
  readonly sinks: readonly ListenerSink[];
  readonly appender: Appender;
  readonly sequencer: Sequencer;
  readonly deadLetters: DeadLetters;
  readonly tally: Tally;
  readonly clock: Clock;
  readonly maxBatch: number;
  /** A batch waits so long for more, */
  readonly lingerMs: number;
  /** if the one before held at least so many: a trickle that nobody gathers for goes on at once. */
  readonly lingerFrom: number;
  readonly limits: ListenerLimits;
}

export interface ListenerLimits {
  readonly maxMessageBytes: number;
  readonly maxDepth: number;
  /** UTF-16 units of one text. */
  readonly maxString: number;
  readonly maxSamplesPerNotification: number;
}

/** Where a routed part goes: straight to publishers, or to a partition of the sink's topic. */
export type ListenerSink =
  | { readonly kind: 'direct'; readonly direct: DirectSink }
  | { readonly kind: 'topic'; readonly partitions: readonly PartitionRef[]; readonly canaries: boolean };

/** Runs until the intake ends (soft) or `hard` aborts; what was not made durable by then is given back. */
export async function runListener(deps: ListenerDeps, hard: AbortSignal): Promise<void> {
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

function giveBackWaiting({ intake }: ListenerDeps, reason: unknown): void {
  for (const delivery of intake.fail(reason)) delivery.giveBack();
}

async function listen(deps: ListenerDeps, proof: Proof, refusals: Refusals, hard: AbortSignal): Promise<void> {
  let before = 0;
  for (;;) {
    const lingerMs = before >= deps.lingerFrom ? deps.lingerMs : 0;
    const batch = await deps.intake.take(deps.maxBatch, lingerMs, deps.clock, hard);
    if (batch === null) return;
    before = batch.length;
    for (let left: readonly Delivery[] = batch; left.length > 0; ) {
      let work: Work;
      try {
        hard.throwIfAborted();
        work = readBatch(deps, left);
        await makeDurable(deps, work, hard);
      } catch (error) {
        for (const delivery of left) delivery.giveBack();
        if (hard.aborted) return;
        throw error;
      }
      crashPoint('before-raw-ack');
      for (const delivery of left.slice(0, work.read)) if (!work.refused.has(delivery)) delivery.settle();
      refusals.hold([...work.refused]);
      left = left.slice(work.read);
      proof.settled(deps.intake.taken - left.length);
    }
  }
}

/** A batch is passed on in portions of about so many bytes: five hundred large notifications at once would take all memory. */
const maxPortionBytes = 16 * 1024 * 1024;

/** Everything that one batch of raw messages came to, as far as it was read. */
interface Work {
  read: number;
  /** What was read comes to at most. */
  bytes: number;
  readonly parts: Map<PartitionRef, Part[]>;
  readonly canaries: (readonly [feed: string, sentAt: number])[];
  readonly direct: Map<DirectSink, Part[]>;
  /** One of the messages was given before: what came of it may be out already. */
  redelivered: boolean;
  /** Given back, for ever: what Ceilometer does with what it cannot convert (its compat mode only). */
  readonly refused: Set<Delivery>;
  readonly letters: Parameters<DeadLetters['record']>[0][];
}

function readBatch(deps: ListenerDeps, batch: readonly Delivery[]): Work {
  const work: Work = {
    read: 0,
    bytes: 0,
    parts: new Map(),
    canaries: [],
    direct: new Map(),
    redelivered: false,
    refused: new Set(),
    letters: [],
  };
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
  }
  return work;
}

function readDelivery(deps: ListenerDeps, delivery: Delivery, work: Work): void {
  const { maxMessageBytes: maxBytes, maxDepth, maxString } = deps.limits;
  const notification = decodeNotification(delivery.body, delivery.priority, { maxBytes, maxDepth, maxString });
  if (isCanary(notification)) {
    const sent = Math.min(sentAt(notification), deps.clock.now());
    for (const feed of feedsShown(deps.feeds, delivery.origin)) work.canaries.push([feed, sent]);
    return;
  }
  const { samples, events, verdict, problems } = deps.converter.convert(notification);
  if (verdict === 'requeue') {
    work.refused.add(delivery);
    return;
  }
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
  deps.router.route(notification.message_id, samples, events, (sinkIndex, partition, part) => {
    const sink = deps.sinks[sinkIndex] as ListenerSink;
    if (sink.kind === 'direct') push(work.direct, sink.direct, part);
    else push(work.parts, sink.partitions[partition] as PartitionRef, part);
  });
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

async function makeDurable(deps: ListenerDeps, work: Work, signal: AbortSignal): Promise<void> {
  const entries = toEntries(deps, work);
  const waits: Promise<unknown>[] = [];
  crashPoint('before-append');
  if (entries.length > 0) waits.push(deps.appender.append(entries, signal).then(() => crashPoint('after-append')));
  const { clock } = deps;
  for (const [sink, parts] of work.direct) waits.push(insist(clock, signal, () => sink.accept(parts, work.redelivered, signal)));
  for (const letter of work.letters) waits.push(insist(clock, signal, () => deps.deadLetters.record(letter)));
  await Promise.all(waits);
  deps.tally.appended += entries.length;
}

const encoder = new TextEncoder();
/** Keeps an entry far below every broker's frame and every commit's bound. */
const maxItemsPerEntry = 500;

function toEntries(deps: ListenerDeps, work: Work): { partition: PartitionRef; bytes: Uint8Array }[] {
  const entries: { partition: PartitionRef; bytes: Uint8Array }[] = [];
  const at = deps.clock.now();
  const add = (partition: PartitionRef, parts: readonly Part[], canaries: Work['canaries']) => {
    const entry = deps.sequencer.next(partitionName(partition), at, parts, canaries);
    entries.push({ partition, bytes: encoder.encode(entryText(deps, work, partition, entry)) });
  };
  // Only a batch that may come to so much is weighed.
  const weigh = work.bytes > maxEntryBytes;
  for (const [partition, parts] of work.parts) {
    const weighed = parts.map((part) => (weigh ? fitting(deps, work, partition, part) : { part, bytes: 0 }));
    for (const chunk of chunks(weighed)) add(partition, chunk, []);
  }
  // After all data of this batch, and every earlier batch is confirmed already: exactly what a canary says.
  if (work.canaries.length > 0) {
    for (const sink of deps.sinks) {
      if (sink.kind === 'topic' && sink.canaries) for (const partition of sink.partitions) add(partition, [], work.canaries);
    }
  }
  return entries;
}

/** What no entry can hold (an infinite volume) becomes a dead letter; its notification stays, to be known when it comes again. */
function entryText(deps: ListenerDeps, work: Work, { sink }: PartitionRef, entry: DataEntry): string {
  try {
    return printEntry(entry);
  } catch {
    // one by one it shows which
  }
  const notifications = entry.notifications.map(({ id, items }) => {
    const spoken = speak(items, itemLines);
    for (const { message, text } of spoken.bad) work.letters.push(itemLetter(deps, sink, id, message, text));
    return { id, items: spoken.items };
  });
  return printEntry({ ...entry, notifications });
}

/** Some brokers take no message beyond 16 MiB, and what an entry says beside its items comes on top. */
const maxEntryBytes = 14 * 1024 * 1024;

function weightOf({ items }: Part): number {
  try {
    return itemLines(items).length;
  } catch {
    return 0; // one of them has no line; it becomes a dead letter where the entry is printed
  }
}

interface Weighed {
  readonly part: Part;
  readonly bytes: number;
}

/** What no entry could carry becomes a dead letter; its notification stays, to be known when it comes again. */
function fitting(deps: ListenerDeps, work: Work, { sink }: PartitionRef, part: Part): Weighed {
  const bytes = weightOf(part);
  if (bytes <= maxEntryBytes) return { part, bytes };
  const message = `${part.items.length} items of ${bytes} bytes for one partition; an entry takes ${maxEntryBytes}.`;
  const body = speak(part.items, itemLines).lines;
  work.letters.push({ ...itemLetter(deps, sink, part.id, message, body), reason: 'entry_too_large' });
  return { part: { id: part.id, items: [] }, bytes: 0 };
}

function* chunks(parts: readonly Weighed[]): Generator<readonly Part[]> {
  let chunk: Part[] = [];
  let [items, bytes] = [0, 0];
  for (const { part, bytes: more } of parts) {
    if (items > 0 && (items + part.items.length > maxItemsPerEntry || bytes + more > maxEntryBytes)) {
      yield chunk;
      chunk = [];
      [items, bytes] = [0, 0];
    }
    chunk.push(part);
    items += part.items.length;
    bytes += more;
  }
  if (chunk.length > 0) yield chunk;
}

interface Proof {
  /** `through`: how many of all that were delivered are. */
  settled(through: number): void;
  finished(hard: AbortSignal): Promise<void>;
}

/**
 * One proof under way at a time; what was settled when it began is proven when it ends.
 *
 * `settlements_lost` says that what was delivered before may come again at any time, however often it is settled: the numbers it got
 * are never proven. That holds for what still waits in the intake or in later portions too, so only once all of it is through does a new
 * boot id begin.
 * What failed otherwise is made up for by the next proof.
 */
function createProof(deps: ListenerDeps): Proof {
  const quiet = new Room();
  let underWay = false;
  let lostUpTo: number | null = null;
  const begin = async () => {
    const snapshot = deps.sequencer.snapshot();
    underWay = true;
    try {
      await deps.input.prove();
      crashPoint('after-raw-ack');
      deps.sequencer.proved(snapshot);
    } catch (error) {
      deps.tally.unproven += 1;
      if (classify(error).code === 'settlements_lost') lostUpTo = deps.intake.delivered;
    }
    underWay = false;
    quiet.open();
  };
  return {
    settled: (through) => {
      if (underWay) return;
      if (lostUpTo === null) return void begin();
      if (through < lostUpTo) return;
      deps.sequencer.renew();
      lostUpTo = null;
    },
    // Whoever must leave goes unproven: ids are kept longer then.
    finished: (hard) => quiet.wait(hard, () => !underWay),
  };
}

function itemLetter(deps: ListenerDeps, sink: string, messageId: string, message: string, text: string): Work['letters'][number] {
  deps.tally.letters += 1;
  const body = encoder.encode(text);
  return { stage: 'append', reason: 'unspeakable', message, sink, publisher: null, origin: null, messageId, body };
}

function letterOf(
  deps: ListenerDeps,
  delivery: Delivery,
  stage: string,
  reason: string,
  message: string,
  notification?: Notification,
): Parameters<DeadLetters['record']>[0] {
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

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
