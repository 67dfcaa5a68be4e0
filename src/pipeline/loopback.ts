import type { Router } from '../core/route/router.ts';
import { parseEventTime } from '../core/transformers/event-time.ts';
import type { Clock } from '../lib/clock.ts';
import { linkedAbort } from '../lib/linked-abort.ts';
import { PagePool } from '../lib/text-pages.ts';
import type { Event } from '../model/event.ts';
import { Fault } from '../model/faults.ts';
import { isEvent, itemId, itemTime } from '../model/item.ts';
import type { Batch, Publisher } from '../publishers/publisher.ts';
import type { Appender } from '../topics/topic.ts';
import type { DeadLetters } from './dead-letters.ts';
import { toEntries } from './entries.ts';
import { insist } from './insist.ts';
import type { CurrentListening, Listening } from './listening.ts';
import type { Sequencer } from './sequencer.ts';
import type { Tally } from './tally.ts';
import { computeDirect, deliverDirect, into, type ListenerSink, newWork, type Work } from './work.ts';

/**
 * Outputs of one of our own sinks as events of this agent's pipelines: a publisher whose target is the topics and lanes of other sinks. It
 * resolves when all of a batch is durable there, under the ids that the events have, so a batch that comes again is known.
 *
 * One per lane: what it numbers must be appended in that order.
 */
export interface LoopbackDeps {
  readonly listening: CurrentListening;
  readonly routerOf: (configs: Listening['configs']) => Router;
  readonly openAppender: () => Promise<Appender>;
  readonly sequencer: Sequencer;
  readonly deadLetters: DeadLetters;
  readonly tally: Tally;
  readonly clock: Clock;
}

/** `deps` come once every sink is open: lanes are opened before there is anywhere to go. */
export function loopback(deps: Promise<LoopbackDeps>): Publisher {
  let appender: Promise<Appender> | null = null;
  return {
    publish: async (batch, signal) => {
      const ready = await deps;
      appender ??= ready.openAppender();
      const to = await appender;
      const use = await ready.listening.enter(signal);
      const leave = linkedAbort(signal, use.cutOff);
      try {
        const { sinks, configs } = use.value;
        const work = workOf(sinks, ready.routerOf(configs), batch);
        await makeDurable({ ...ready, sinks }, to, work, newestIn(batch), leave.signal);
      } catch (error) {
        // Some entries may stand in the topics and some never will: what follows is numbered anew, so that nobody waits for those.
        ready.sequencer.renew();
        if (use.cutOff.aborted && !signal.aborted)
          throw new Fault('retryable', 'reloading', 'the sinks that it goes to are being changed', { cause: error });
        throw error;
      } finally {
        leave.release();
        use.leave();
      }
      ready.sequencer.proved(ready.sequencer.snapshot());
    },
    probe: async () => undefined,
    close: async () => void (await (await appender)?.close()),
  };
}

function workOf(sinks: readonly ListenerSink[], router: Router, batch: Batch): Work {
  const work = newWork(new PagePool(0));
  work.read = batch.items.length;
  work.bytes = batch.lines().length;
  work.redelivered = batch.replay === true;
  const place = into(sinks, work);
  for (const item of batch.items) if (isEvent(item)) router.route(itemId(item), [], [item as Event], place);
  computeDirect(work);
  return work;
}

/**
 * Epoch ms. An entry says no earlier time than what it carries: a partition whose owner’s clock is behind ours would take that for the future.
 */
function newestIn({ items }: Batch): number {
  return Math.ceil(Math.max(0, ...items.map((item) => parseEventTime(itemTime(item))).filter(Number.isFinite)));
}

async function makeDurable(
  deps: LoopbackDeps & { readonly sinks: readonly ListenerSink[] },
  appender: Appender,
  work: Work,
  newest: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock, deadLetters, tally } = deps;
  const entries = toEntries({ ...deps, clock: { now: () => Math.max(clock.now(), newest) } }, work);
  const waits: Promise<unknown>[] = [];
  if (entries.length > 0) waits.push(appender.append(entries, signal));
  waits.push(deliverDirect(work, clock, signal));
  for (const letter of work.letters) waits.push(insist(clock, signal, () => deadLetters.record(letter)));
  await Promise.all(waits);
  tally.appended += entries.length;
}
