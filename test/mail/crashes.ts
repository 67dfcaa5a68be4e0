import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/lib/clock.ts';
import { seeded } from '../faults/random.ts';
import { draft, QueueRig, type RigOptions, server } from './queue-rig.ts';
import { type Answer, instead, ScriptedServer } from './scripted-server.ts';

export interface CrashTally {
  readonly crashes: number;
  readonly accepted: number;
  /** Accepted and never taken by the server. */
  readonly lost: readonly string[];
  /** Taken, and never asked for. */
  readonly invented: readonly string[];
  /** Taken more than once. */
  readonly doubled: number;
  /** Counted as uncertain by the queue: no double without one of these. */
  readonly uncertain: number;
}

const draftsALife = 4;
/** A life ends at one of its first so many transactions, or moments of the server. */
const longestLife = 24;
const lifeMs = 100;

/**
 * Lives of a queue on one file, each ended in the middle: before a transaction (nothing of it is there), or while the server answers (the
 * transaction before stands, the next never comes). After the last one a life without end delivers what is left, and everything that
 * was ever accepted must have arrived. The same seed is the same sequence of ends.
 */
export async function crashes(seed: number, count: number): Promise<CrashTally> {
  const random = seeded(seed);
  const directory = await mkdtemp(join(tmpdir(), 'mail-crashes-'));
  const peer = await new ScriptedServer({
    dot: () => misbehaves(random, [instead.drop, instead.reset, '451 4.3.0 later']) ?? '250 ok',
    rcpt: () => misbehaves(random, ['450 4.3.0 later', instead.drop]) ?? '250 ok',
  }).listen();
  const accepted = new Set<string>();
  const offered = new Set<string>();
  try {
    for (let crash = 0; crash < count; crash++) {
      const names = Array.from({ length: Math.floor(random() * (draftsALife + 1)) }, (_, i) => `c${crash}m${i}`);
      for (const name of names) offered.add(name);
      await oneLife(peer, directory, random, names, accepted);
    }
    peer.script = {};
    const last = await QueueRig.open([server(peer.port)], options(directory, undefined));
    last.start();
    const end = Date.now() + 120_000;
    while (last.queue.operator.stats().deliveries > 0 && Date.now() < end) {
      await last.queue.operator.flush();
      await systemClock.sleep(20);
    }
    const { uncertain } = last.queue.operator.stats();
    await last.stop();
    const times = new Map<string, number>();
    for (const { bytes } of peer.taken) {
      const name = /^Subject: subject (.*)\r$/m.exec(bytes.toString('latin1'))?.[1] ?? '?';
      times.set(name, (times.get(name) ?? 0) + 1);
    }
    return {
      crashes: count,
      accepted: accepted.size,
      lost: [...accepted].filter((name) => !times.has(name)),
      invented: [...times.keys()].filter((name) => !offered.has(name)),
      doubled: [...times.values()].reduce((sum, taken) => sum + taken - 1, 0),
      uncertain,
    };
  } finally {
    await peer.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function options(directory: string, beforeTransaction: (() => void) | undefined): RigOptions {
  // Every life is another process: the one before is dead.
  const base: RigOptions = {
    directory,
    owner: `life-${Math.random()}`,
    isAlive: () => false,
    window: 3,
    schedule: { firstMs: 1, longestMs: 1, greylistMs: 1 },
    cooldown: { firstMs: 1, longestMs: 1 },
  };
  return beforeTransaction === undefined ? base : { ...base, beforeTransaction };
}

async function oneLife(
  peer: ScriptedServer,
  directory: string,
  random: () => number,
  names: readonly string[],
  accepted: Set<string>,
): Promise<void> {
  let left = 1 + Math.floor(random() * longestLife);
  const atServer = random() < 0.5;
  let isDead = false;
  let die: () => void = () => undefined;
  const dead = new Promise<void>((resolve) => {
    die = () => {
      isDead = true;
      resolve();
    };
  });
  const step = () => {
    left -= 1;
    if (left <= 0) die();
  };
  const beforeTransaction = () => {
    if (!atServer) step();
    if (isDead) throw new Error('dead');
  };
  peer.onMoment = atServer ? step : () => undefined;
  const rig = await QueueRig.open([server(peer.port)], options(directory, beforeTransaction));
  rig.start();
  const accepting = (async () => {
    for (const name of names) {
      if (isDead) return;
      await rig.accept(draft(name)).then(
        () => accepted.add(name),
        () => undefined, // refused, or we died: nobody was told that it was taken
      );
    }
  })();
  const idle = (async () => {
    await accepting;
    const end = Date.now() + lifeMs;
    while (!isDead && rig.queue.operator.stats().deliveries > 0 && Date.now() < end) await systemClock.sleep(2);
  })();
  await Promise.race([dead, idle]);
  isDead = true;
  await Promise.all([accepting, idle]);
  await rig.stop('hard');
}

function misbehaves(random: () => number, ways: readonly Answer[]): Answer | undefined {
  return random() < 0.1 ? ways[Math.floor(random() * ways.length)] : undefined;
}
