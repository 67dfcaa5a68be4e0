import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/lib/clock.ts';
import { atLeast, bar, barLines } from './bars.ts';
import { end, endTogether, exited, start } from './children.ts';
import type { Drain } from './mail-phase.ts';
import { machine, machineLine, rounded } from './process-figures.ts';
import { scratchFolder } from './scratch.ts';

/**
 * The mail queue against `smtp-sink`, beside `smtp-source` (both of Postfix) against the same sink in the same run: memory with
 * many mails queued, from opening the file to the first delivery, mails per second over four sessions with outcomes written down
 * together and one by one, and beside that what the disk can flush.
 *
 *     node --import tsx bench/mail.ts [--json] [--mails 100000]
 */
const sessions = 4;
const bytes = 1_000;

const { values } = parseArgs({ options: { json: { type: 'boolean' }, mails: { type: 'string', default: '100000' } } });
const mails = Number(values.mails);

/** In a process of its own, so that none pays for what another left in memory. */
async function phase<T>(...words: readonly (string | number)[]): Promise<T> {
  const command = [process.execPath, '--import', 'tsx', fileURLToPath(new URL('mail-phase.ts', import.meta.url))];
  const child = start([...command, ...words.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = child.stdout === null ? '' : await text(child.stdout);
  if ((await exited(child)) !== 0) throw new Error(`the phase ${words[0]} failed`);
  return JSON.parse(said) as T;
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
process.stderr.write(`accepting ${mails} mails\n`);
const filled = await phase<{ readonly rssAnonMiB: number }>('fill', `${folder}/grouped`, mails, bytes);
process.stderr.write('draining, outcomes together\n');
const grouped = await phase<Drain>('drain', `${folder}/grouped`, port, 50, sessions);
const fewer = Math.min(mails, 20_000);
await phase('fill', `${folder}/each`, fewer, bytes);
process.stderr.write('draining, outcomes one by one\n');
const each = await phase<Drain>('drain', `${folder}/each`, port, 1, sessions);
process.stderr.write('the same transactions without servers, and bare flushes\n');
await phase('fill', `${folder}/alone`, fewer, bytes);
const alone = await phase<{ readonly perSecond: number }>('write', `${folder}/alone`, sessions);
const bare = await phase<{ readonly perSecond: number }>('flush', `${folder}/bare`, fewer, sessions);
process.stderr.write('smtp-source\n');
const sourceBegun = performance.now();
const load = ['-s', `${sessions}`, '-m', `${fewer}`, '-l', `${bytes}`, '-f', 'a@b.test', '-t', 'c@d.test'];
spawnSync('smtp-source', [...load, `127.0.0.1:${port}`]);
const source = rounded((fewer / (performance.now() - sourceBegun)) * 1000, 0);
await end(sink);

const figures = {
  mails,
  acceptingMiB: filled.rssAnonMiB,
  grouped,
  each,
  withoutServersPerSecond: alone.perSecond,
  bareFlushesPerSecond: bare.perSecond,
  smtpSourcePerSecond: source,
  ratio: rounded(grouped.perSecond / source, 2),
};
const bars = [
  bar(`RssAnon in MiB with ${mails} mails queued, while they drain`, grouped.rssAnonMiB, 120),
  bar('ms from opening the file to the first delivery', grouped.firstMs, 2_000),
  atLeast('mails per second, outcomes together', grouped.perSecond, 5_000),
  atLeast('mails per second, a flush for each', each.perSecond, 2_500),
  bar('time of smtp-source, ours in its times', rounded(source / grouped.perSecond, 2), 2),
];
process.stdout.write(`${machineLine(begun)}
  RssAnon at most ${filled.rssAnonMiB} MiB while ${mails} mails are accepted in batches, ${grouped.rssAnonMiB} MiB while they drain after a restart
  to the first delivery ${grouped.firstMs} ms
  ${sessions} sessions: ${grouped.perSecond} mails/s together, ${each.perSecond} mails/s one by one; smtp-source -s ${sessions}: ${source} mails/s
  what the disk can do: ${alone.perSecond} mails/s one by one if servers took no time, ${bare.perSecond} commits/s of one small row, ${sessions} at a time
${barLines(bars)}
`);
if (values.json === true) process.stdout.write(`${JSON.stringify({ name: 'mail', ...figures, bars })}\n`);
