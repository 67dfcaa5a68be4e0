import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Check, runChecks } from './report.ts';

// The protocol of a partition as a Promela model, searched to its end by SPIN: `npm run test:model -- [--list] [ID…]`. What holds must hold in
// every interleaving, and with protections taken away the model must find what goes wrong then.

const run = promisify(execFile);
const source = fileURLToPath(new URL('../model/partition.pml', import.meta.url));

interface Variant {
  readonly id: string;
  readonly about: string;
  /** What may happen how often. */
  readonly flags: readonly string[];
  readonly without?: readonly string[];
  readonly finds: boolean;
}

const times = (expiries: number, deaths: number, cuts: number, restarts: number, lostAnswers: number) => [
  `-DEXPIRIES=${expiries}`,
  `-DDEATHS=${deaths}`,
  `-DCUTS=${cuts}`,
  `-DRESTARTS=${restarts}`,
  `-DLOST_ANSWERS=${lostAnswers}`,
];
const agents = times(1, 1, 1, 0, 0);
const store = times(1, 0, 0, 1, 1);

const variants: readonly Variant[] = [
  { id: 'agents', about: 'leases run out, agents die, channels break', flags: agents, finds: false },
  { id: 'store', about: 'the store is killed, leases run out, answers are lost', flags: store, finds: false },
  { id: 'both', about: 'the store is killed and an agent dies', flags: times(0, 1, 0, 1, 0), finds: false },
  { id: 'epoch', about: 'no epoch: the version still protects the state', flags: store, without: ['EPOCH'], finds: false },
  { id: 'fence', about: 'neither epoch nor version', flags: agents, without: ['EPOCH', 'VERSION'], finds: true },
  {
    id: 'version',
    about: 'no version: a commit whose answer was lost is done twice',
    flags: store,
    without: ['VERSION'],
    finds: true,
  },
  { id: 'recover', about: 'no incarnation and no floor', flags: store, without: ['INCARNATION', 'FLOOR'], finds: true },
  { id: 'ids', about: 'a repeated notification is not known', flags: agents, without: ['IDS'], finds: true },
  { id: 'settle', about: 'settled before the commit', flags: agents, without: ['early SETTLE'], finds: true },
  { id: 'publish', about: 'published before the commit', flags: agents, without: ['early PUBLISH'], finds: true },
  { id: 'clear', about: 'cleared before it is out', flags: agents, without: ['early CLEAR'], finds: true },
];

async function search(folder: string, { flags, without = [] }: Variant): Promise<string> {
  const defines = without.map((what) => (what.startsWith('early ') ? `-DEARLY_${what.slice(6)}` : `-DNO_${what}`));
  const cwd = { cwd: folder };
  await copyFile(source, join(folder, 'partition.pml'));
  await run('spin', ['-a', ...flags, ...defines, 'partition.pml'], cwd);
  await run('cc', ['-w', '-O2', '-DSAFETY', '-DCOLLAPSE', '-DMEMLIM=4000', '-o', 'pan', 'pan.c'], cwd);
  const { stdout } = await run('./pan', ['-m100000'], { ...cwd, timeout: 900_000, maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}

function checkOf(variant: Variant): Check {
  return {
    id: variant.id,
    about: variant.about,
    run: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'ceilograph-model-'));
      try {
        const said = await search(folder, variant);
        const errors = Number(/errors: (\d+)/.exec(said)?.[1] ?? Number.NaN);
        const states = /(\S+) states, stored/.exec(said)?.[1] ?? '?';
        const cutShort = /MEMLIM|out of memory|max search depth/.test(said);
        const why = /^pan:1: (.*) \(at depth/m.exec(said)?.[1];
        console.log(`${states} states${why === undefined ? '' : `: ${why}`}${cutShort ? ', NOT ALL' : ''}`);
        const good = errors === (variant.finds ? 1 : 0) && !(cutShort && !variant.finds);
        return good ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Debian's, where there is none. */
async function ensureTools(): Promise<void> {
  const needed = { spin: ['spin'], cc: ['gcc', 'libc6-dev'] };
  for (const [program, packages] of Object.entries(needed)) {
    try {
      await run('sh', ['-c', `command -v ${program}`]);
    } catch {
      const install = ['-qq', '-o', 'DPkg::Lock::Timeout=300', 'install', '-y', '--no-install-recommends', ...packages];
      await run('apt-get', ['-qq', 'update']);
      await run('apt-get', install, { maxBuffer: 16 * 1024 * 1024 });
    }
  }
}

const ids = process.argv.slice(2);
if (!ids.includes('--list')) await ensureTools();
await runChecks(variants.map(checkOf), ids);
