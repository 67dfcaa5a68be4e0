import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/lib/clock.ts';
import { seeded } from '../faults/random.ts';
import { until } from '../faults/until.ts';
import type { FullDisksTally } from './full-disks.ts';
import { draft, QueueRig, server } from './queue-rig.ts';
import { ScriptedServer } from './scripted-server.ts';

/**
 * A queue on a disk that gets full while mails come and go, as often as told: at a random moment a file takes all the room, and gives it back
 * after some refusals. Last words: a `FullDisksTally` as JSON.
 *
 *     node --import tsx test/mail/full-disk-child.ts DISK SEED TIMES
 */
const [disk = '', seed = '0', times = '1'] = process.argv.slice(2);
const random = seeded(Number(seed));
const ballast = join(disk, 'ballast');
const longestText = 20_000;
const draftsAtMost = 400;
const refusalsAtMost = 4;
const quick = { schedule: { firstMs: 5, longestMs: 5, greylistMs: 5 }, cooldown: { firstMs: 5, longestMs: 5 } };

async function takeAllRoom(): Promise<void> {
  const piece = Buffer.alloc(4_096);
  for (;;) {
    try {
      await writeFile(ballast, piece, { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}

async function once(nth: number, tally: FullDisksTally): Promise<void> {
  const directory = join(disk, `queue-${nth}`);
  await mkdir(directory);
  const peer = await new ScriptedServer().listen();
  const rig = await QueueRig.open([server(peer.port)], { directory, window: random() < 0.5 ? 1 : 3, ...quick });
  const accepted = new Set<string>();
  const refused = new Set<string>();
  rig.start();
  const fullAt = 1 + Math.floor(random() * 10);
  const enough = 1 + Math.floor(random() * refusalsAtMost);
  for (let i = 0; refused.size < enough && i < draftsAtMost; i++) {
    if (i === fullAt) await takeAllRoom();
    const name = `d${nth}m${i}`;
    await rig.accept(draft(name, { text: `${'x'.repeat(70)}\n`.repeat((random() * longestText) / 71) })).then(
      () => accepted.add(name),
      (error: NodeJS.ErrnoException) => {
        refused.add(name);
        tally.reasons[error.code ?? String(error)] = (tally.reasons[error.code ?? String(error)] ?? 0) + 1;
      },
    );
    if (random() < 0.3) await systemClock.sleep(5);
  }
  await rm(ballast);
  await rig.accept(draft(`d${nth}last`));
  accepted.add(`d${nth}last`);
  await until(() => rig.queue.operator.stats().deliveries === 0, 30_000, 'mails are left').catch(() => undefined); // told below
  tally.uncertain += rig.queue.operator.stats().uncertain;
  await rig.stop();
  await peer.close();
  await rm(directory, { recursive: true });
  const names = peer.taken.map(({ bytes }) => /^Subject: subject (.*)\r$/m.exec(bytes.toString('latin1'))?.[1] ?? '?');
  tally.disks += 1;
  tally.accepted += accepted.size;
  tally.refused += refused.size;
  tally.lost.push(...[...accepted].filter((name) => !names.includes(name)));
  tally.invented.push(...names.filter((name) => !accepted.has(name)));
  tally.doubled += names.length - new Set(names).size;
}

const tally: FullDisksTally = {
  disks: 0,
  accepted: 0,
  refused: 0,
  reasons: {},
  lost: [],
  invented: [],
  doubled: 0,
  uncertain: 0,
};
for (let nth = 0; nth < Number(times); nth++) await once(nth, tally);
process.stdout.write(JSON.stringify(tally));
process.exit(0);
