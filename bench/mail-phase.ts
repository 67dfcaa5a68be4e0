import { systemClock } from '../src/lib/clock.ts';
import { keepHeapNarrow } from '../src/lib/heap-growth.ts';
import { LmdbEnvironment } from '../src/lib/lmdb-environment.ts';
import type { MailDraft } from '../src/model/mail.ts';
import type { Compose } from '../src/services/mail-queue/compose.ts';
import { MailFile } from '../src/services/mail-queue/mail-file.ts';
import { MailQueue } from '../src/services/mail-queue/mail-queue.ts';
import { MailStore, type Settlement } from '../src/services/mail-queue/mail-store.ts';
import { server } from '../test/mail/queue-rig.ts';
import { endTogether } from './children.ts';
import { rounded, rssAnonMiB } from './process-figures.ts';

/**
 * One process of `mail.ts`, as an agent's is: the same heap, one queue. Its last words are one line of JSON.
 *
 *     node --import tsx bench/mail-phase.ts fill FOLDER MAILS BYTES             accepts
 *     node --import tsx bench/mail-phase.ts drain FOLDER PORT WINDOW SESSIONS  opens, delivers all
 *     node --import tsx bench/mail-phase.ts write FOLDER LANES                  the transactions of a drain alone, as if servers took no time
 *     node --import tsx bench/mail-phase.ts flush FOLDER FLUSHES LANES          commits of one small row, nothing else: what the disk can do
 */
const batch = 1_000;

export interface Drain {
  readonly firstMs: number;
  readonly perSecond: number;
  readonly rssAnonMiB: number;
}

/** A text of the same size as smtp-source sends; composing is not what is measured. */
const head = 'From: a@b.test\r\nTo: c@d.test\r\nSubject: bench\r\nMessage-ID: <bench@b.test>\r\n\r\n';
const composer =
  (size: number): Compose =>
  async ({ messageId, thread }) => {
    const bytes = Buffer.from(`${`${head}${'x'.repeat(70)}\r\n`.padEnd(size - 2, 'x')}\r\n`);
    return { bytes, messageId, thread, eightBit: false, utf8: false };
  };

function draft(number: number): MailDraft {
  return {
    key: `bench ${number}`,
    sink: 'bench',
    route: 'bench',
    to: ['c@d.test'],
    subject: 'bench',
    text: 'bench',
    html: null,
    attachments: [],
    at: 0,
    incident: null,
    lifetimeMs: 4 * 86_400_000,
    rate: null,
    collect: null,
    isReport: false,
  };
}

interface Opening {
  readonly directory: string;
  readonly port: number;
  readonly window: number;
  readonly sessions: number;
  readonly size: number;
  readonly onDelivered: () => void;
}

function open({ directory, port, window, sessions, size, onDelivered }: Opening): Promise<MailQueue> {
  return MailQueue.open({
    config: {
      directory,
      from: 'a@b.test',
      hello: 'bench.test',
      dkim: null,
      servers: [server(port, { sessions })],
      caps: { deliveries: 10_000_000, bytes: 2 ** 34 },
      onUncertain: 'retry',
      window,
    },
    clock: systemClock,
    random: Math.random,
    emit: (name) => {
      if (name === 'mail:delivered') onDelivered();
    },
    bury: async () => undefined,
    compose: composer(size),
  });
}

async function fill(directory: string, count: number, size: number): Promise<{ rssAnonMiB: number }> {
  const queue = await open({ directory, port: 1, window: 50, sessions: 1, size, onDelivered: () => undefined });
  const how = { signal: new AbortController().signal, afterAttempt: false };
  let memory = 0;
  for (let from = 0; from < count; from += batch) {
    await queue.accept(
      Array.from({ length: Math.min(batch, count - from) }, (_, i) => draft(from + i)),
      how,
    );
    memory = Math.max(memory, rssAnonMiB('self'));
  }
  await queue.close();
  return { rssAnonMiB: rounded(memory, 1) };
}

async function drain(directory: string, port: number, window: number, sessions: number): Promise<Drain> {
  const begun = performance.now();
  let first = 0;
  let delivered = 0;
  let memory = 0;
  const onDelivered = () => {
    delivered += 1;
    if (delivered === 1) first = performance.now();
    if (delivered % 1_000 === 0) memory = Math.max(memory, rssAnonMiB('self'));
  };
  const queue = await open({ directory, port, window, sessions, size: 0, onDelivered });
  const waiting = queue.operator.stats().deliveries;
  const [soft, hard] = [new AbortController(), new AbortController()];
  const running = queue.run({ soft: soft.signal, hard: hard.signal });
  while (queue.operator.stats().deliveries > 0) await systemClock.sleep(20);
  const perSecond = (waiting / (performance.now() - first)) * 1000;
  soft.abort(new Error('done'));
  await running;
  await queue.close();
  return { firstMs: rounded(first - begun, 0), perSecond: rounded(perSecond, 0), rssAnonMiB: rounded(memory, 1) };
}

/** One mail after the other in each lane, its outcome written down with the taking of the next, a flush for each. */
async function write(directory: string, lanes: number): Promise<{ perSecond: number }> {
  const file = await MailFile.open({ directory, clock: systemClock });
  const store = new MailStore(file);
  const begun = performance.now();
  let mails = 0;
  const lane = async () => {
    let outcomes: Settlement[] = [];
    do {
      const jobs = await store.take('bench', systemClock.now(), 1, outcomes);
      const keys = jobs.flatMap(({ recipients }) => recipients.map(({ key }) => key));
      outcomes = keys.map((key) => ({ key, server: 'bench', said: '250 ok', what: { kind: 'delivered' } }));
      mails += outcomes.length;
    } while (outcomes.length > 0);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const perSecond = rounded((mails / (performance.now() - begun)) * 1000, 0);
  await file.close();
  return { perSecond };
}

/** As many at a time as there are sessions, each after its last: those that come while the disk is at work share the next flush. */
async function flush(directory: string, count: number, lanes: number): Promise<{ perSecond: number }> {
  const env = await LmdbEnvironment.open({ directory, clock: systemClock });
  const table = env.textTable('flushes');
  const begun = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const number = next++;
      await env.transact(() => table.put(number, 'x'));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const perSecond = rounded((count / (performance.now() - begun)) * 1000, 0);
  await env.close();
  return { perSecond };
}

const [phase, folder = '', ...words] = process.argv.slice(2);
const [first = 0, second = 0, third = 0] = words.map(Number);
const phases: Readonly<Record<string, () => Promise<unknown>>> = {
  fill: () => fill(folder, first, second),
  drain: () => drain(folder, first, second, third),
  write: () => write(folder, first),
  flush: () => flush(folder, first, second),
};
const run = phases[phase ?? ''];
if (run === undefined) throw new Error('see above for how this is called');
endTogether();
keepHeapNarrow();
process.stdout.write(`${JSON.stringify(await run())}\n`);
process.exit(0);
