import type { DeliveryOptions } from './delivery-options.ts';
import type { ServerLane } from './server-lane.ts';
import { endOf } from './server-news.ts';
import { openSession } from './servers.ts';
import { SessionRun, type SessionTools } from './session-run.ts';
import { SmtpSession } from './smtp-session.ts';

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
    await run.writeDown();
  } finally {
    signals.hard.removeEventListener('abort', onHard);
    if (!signals.hard.aborted) run.noteEnd();
    lane.abandonProbe(clock.monotonic());
    lane.isBusy(opened, null);
    await opened.close();
  }
}
