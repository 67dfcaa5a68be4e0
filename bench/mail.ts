import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/lib/clock.ts';
import type { MailDraft } from '../src/model/mail.ts';
import type { Compose } from '../src/services/mail-queue/compose.ts';
import { MailQueue } from '../src/services/mail-queue/mail-queue.ts';
import { server } from '../test/mail/queue-rig.ts';
import { bar, barLines } from './bars.ts';
import { end, endTogether, start } from './children.ts';
import { machine, machineLine, rounded, rssAnonMiB } from './process-figures.ts';
import { scratchFolder } from './scratch.ts';

/**
 * The mail queue against `smtp-sink`, beside `smtp-source` (both of Postfix) against the same sink in the same run: memory with
 * many mails queued, from opening the file to the first delivery, mails per second over four sessions with outcomes written down
 * together and one by one.
 *
 *     node --import tsx bench/mail.ts [--json] [--mails 100000]
 */
const sessions = 4;
const bytes = 1_000;
const batch = 1_000;

const { values } = parseArgs({ options: { json: { type: 'boolean' }, mails: { type: 'string', default: '100000' } } });
const mails = Number(values.mails);

/** A text of the same size as smtp-source sends; composing is not what is measured. */
const head = 'From: a@b.test\r\nTo: c@d.test\r\nSubject: bench\r\nMessage-ID: <bench@b.test>\r\n\r\n';
const message = Buffer.from(`${`${head}${'x'.repeat(70)}\r\n`.padEnd(bytes - 2, 'x')}\r\n`);
const compose: Compose = async ({ messageId, thread }) => ({ bytes: message, messageId, thread, eightBit: false, utf8: false });

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

interface Drain {
  readonly firstMs: number;
  readonly perSecond: number;
  readonly rssAnonMiB: number;
}

async function open(directory: string, port: number, window: number, onDelivered: () => void): Promise<MailQueue> {
  return await MailQueue.open({
    config: {
      directory,
      from: 'a@b.test',
      hello: 'bench.test',
      dkim: null,
      servers: [server(port, { sessions })],
      caps: { deliveries: 10 * mails, bytes: 2 ** 34 },
      onUncertain: 'retry',
      window,
    },
    clock: systemClock,
    random: Math.random,
    emit: (name) => {
      if (name === 'mail:delivered') onDelivered();
    },
    bury: async () => undefined,
    compose,
  });
}

async function fill(directory: string, count: number): Promise<number> {
  const queue = await open(directory, 1, 50, () => undefined);
  const how = { signal: new AbortController().signal, afterAttempt: false };
  for (let from = 0; from < count; from += batch)
    await queue.accept(
      Array.from({ length: batch }, (_, i) => draft(from + i)),
      how,
    );
  global.gc?.();
  const memory = rssAnonMiB('self');
  await queue.close();
  return memory;
}

async function drain(directory: string, port: number, window: number): Promise<Drain> {
  const begun = performance.now();
  let first = 0;
  let delivered = 0;
  let memory = 0;
  const queue = await open(directory, port, window, () => {
    delivered += 1;
    if (delivered === 1) first = performance.now();
    if (delivered % 10_000 === 0) memory = Math.max(memory, rssAnonMiB('self'));
  });
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

async function answers(port: number): Promise<void> {
  for (;;) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isThere) return;
    await systemClock.sleep(50);
  }
}

endTogether();
const begun = machine();
const port = 20_000 + (process.pid % 10_000);
const asNobody = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
if (spawnSync('sh', ['-c', 'command -v smtp-sink smtp-source']).status !== 0) {
  process.stderr.write('smtp-sink and smtp-source are missing: install postfix (it need not run)\n');
  process.exit(1);
}
const sink = start(['smtp-sink', ...asNobody, `127.0.0.1:${port}`, '1000'], { stdio: 'ignore' });
await answers(port);

const folder = scratchFolder();
process.stderr.write(`filling ${mails} mails\n`);
const queuedMiB = rounded(await fill(`${folder}/grouped`, mails), 1);
process.stderr.write('draining, outcomes together\n');
const grouped = await drain(`${folder}/grouped`, port, 50);
const fewer = Math.min(mails, 20_000);
await fill(`${folder}/each`, fewer);
process.stderr.write('draining, outcomes one by one\n');
const each = await drain(`${folder}/each`, port, 1);
process.stderr.write('smtp-source\n');
const sourceBegun = performance.now();
spawnSync('smtp-source', [
  '-s',
  `${sessions}`,
  '-m',
  `${fewer}`,
  '-l',
  `${bytes}`,
  '-f',
  'a@b.test',
  '-t',
  'c@d.test',
  `127.0.0.1:${port}`,
]);
const source = rounded((fewer / (performance.now() - sourceBegun)) * 1000, 0);
await end(sink);

const figures = { mails, queuedMiB, grouped, each, smtpSourcePerSecond: source, ratio: rounded(grouped.perSecond / source, 2) };
const bars = [
  bar(`RssAnon in MiB with ${mails} mails queued`, Math.max(queuedMiB, grouped.rssAnonMiB), 120),
  bar('ms from opening the file to the first delivery', grouped.firstMs, 2_000),
  bar('µs per mail, outcomes together', rounded(1e6 / grouped.perSecond, 0), 200),
  bar('µs per mail, outcomes one by one', rounded(1e6 / each.perSecond, 0), 400),
  bar('time of smtp-source, ours in its times', rounded(source / grouped.perSecond, 2), 2),
];
process.stdout.write(`${machineLine(begun)}
  queued ${mails}: RssAnon ${queuedMiB} MiB, while draining ${grouped.rssAnonMiB} MiB
  to the first delivery ${grouped.firstMs} ms
  ${sessions} sessions: ${grouped.perSecond} mails/s together, ${each.perSecond} mails/s one by one; smtp-source -s ${sessions}: ${source} mails/s
${barLines(bars)}
`);
if (values.json === true) process.stdout.write(`${JSON.stringify({ name: 'mail', ...figures, bars })}\n`);
