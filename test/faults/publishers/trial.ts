import { systemClock } from '../../../src/lib/clock.ts';
import type { Sample } from '../../../src/model/sample.ts';
import { createItemCodec } from '../../../src/pipeline/item-codec.ts';
import { MemoryLane } from '../../../src/pipeline/lane.ts';
import type { Letter } from '../../../src/pipeline/letter.ts';
import { sampleWith } from '../../sample.ts';
import type { HurtTarget } from './hurt-target.ts';
import { openTargets } from './targets.ts';

/** How the wire to a target, or what it answers, is hurt. */
export interface PublisherFault {
  readonly id: string;
  readonly about: string;
  readonly hurt: (target: HurtTarget) => Promise<void>;
  /** Targets that can be hurt so; without it all. */
  readonly takes?: (target: HurtTarget) => boolean;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const isBehindWire = ({ proxy }: HurtTarget) => proxy !== null;

export const publisherFaults: readonly PublisherFault[] = [
  {
    id: 'P1',
    about: 'the target of every publisher is down for a minute',
    takes: isBehindWire,
    hurt: async ({ proxy }) => {
      proxy?.refuse(true);
      proxy?.cut();
      await sleep(60_000);
      proxy?.refuse(false);
    },
  },
  {
    id: 'P2',
    about: 'the target of every publisher stands still, longer than it is waited for, and goes on, five times',
    takes: isBehindWire,
    hurt: async ({ proxy }) => {
      for (let times = 0; times < 5; times++) {
        proxy?.freeze();
        await sleep(3_000);
        proxy?.thaw();
        await sleep(2_000);
      }
    },
  },
  {
    id: 'P3',
    about: 'the target of every publisher that can be made to answer errors does, for half a minute',
    takes: ({ answerErrors }) => answerErrors !== undefined,
    hurt: async ({ answerErrors, answerAgain }) => {
      await answerErrors?.();
      await sleep(30_000);
      await answerAgain?.();
    },
  },
  {
    id: 'P4',
    about: 'the target of every publisher dies after it took a batch and before it said so, ten times',
    takes: isBehindWire,
    hurt: async ({ proxy }) => {
      for (let times = 0; times < 10; times++) {
        proxy?.holdAnswers();
        await sleep(800);
        proxy?.cut();
        await sleep(700);
      }
    },
  },
];

export interface PublisherVerdict {
  readonly kind: string;
  readonly offered: number;
  readonly lost: number;
  readonly invented: number;
  readonly repeated: number;
  readonly letters: number;
}

/** Every kind at once: items are offered before, while and after it is hurt, through the lane that an agent has for it. */
export async function publisherTrial(fault: PublisherFault, tell: (verdict: PublisherVerdict) => void): Promise<void> {
  const targets = await openTargets();
  try {
    const hurt = targets.filter((target) => fault.takes?.(target) ?? true);
    await Promise.all(hurt.map(async (target) => tell(await tryTarget(target, fault))));
  } finally {
    for (const target of targets) await target.close();
  }
}

async function tryTarget(target: HurtTarget, fault: PublisherFault): Promise<PublisherVerdict> {
  const codec = createItemCodec(() => '');
  const context = {
    name: 'target',
    sink: 'hurt',
    kind: 'samples',
    clock: systemClock,
    random: Math.random,
    baseDir: '/',
  } as const;
  const publisher = await target.open(context);
  const letters: Letter[] = [];
  const lane = new MemoryLane({
    name: target.kind,
    sink: 'hurt',
    publisher,
    codec,
    deadLetters: { record: async (letter) => String(letters.push(letter)) },
    emit: () => undefined,
    clock: systemClock,
    random: Math.random,
    batch: { maxItems: 50, maxBytes: 1_000_000, lingerMs: 0 },
    maxOutboxBytes: 64 * 1024 * 1024,
    onFull: 'suspend',
  });
  const soft = new AbortController();
  const running = lane.run({ soft: soft.signal, hard: new AbortController().signal });
  const offered: string[] = [];
  const outcomes: Promise<unknown>[] = [];
  const offer = () => {
    const items = Array.from({ length: 3 }, () => (target.formed ?? unchanged)(item(offered)));
    outcomes.push(lane.offer({ key: '', items, replay: false }));
  };
  const hurting = new AbortController();
  const feeding = (async () => {
    while (!hurting.signal.aborted) {
      offer();
      await sleep(target.everyMs ?? 50);
    }
  })();
  await sleep(1_500);
  await fault.hurt(target);
  await sleep(1_500);
  hurting.abort();
  await feeding;
  await Promise.all(outcomes);
  soft.abort(new Error('enough'));
  await running;
  await publisher.close();
  const found = await target.ids();
  const there = new Set(found);
  const known = new Set(offered);
  return {
    kind: target.kind,
    offered: offered.length,
    lost: offered.filter((id) => !there.has(id)).length,
    invented: [...there].filter((id) => !known.has(id)).length,
    repeated: found.length - there.size,
    letters: letters.length,
  };
}

const unchanged = (sample: Sample) => sample;

function item(offered: string[]): Sample {
  const id = `id-${offered.length}`;
  offered.push(id);
  return sampleWith({
    id,
    name: 'hurt.meter',
    volume: offered.length,
    project_id: 'p',
    resource_id: id,
    timestamp: new Date().toISOString(),
  });
}
