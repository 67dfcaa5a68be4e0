import type { Item } from '../../model/item.ts';
import { isEvent, itemTime } from '../../model/item.ts';
import { Float, type Json } from '../../model/json.ts';
import type { ChainOptions, ChainResult } from './chain.ts';
import { createChain } from './chain.ts';
import { parseEventTime } from './event-time.ts';
import { exampleItem } from './examples.ts';
import { timeText } from './time-text.ts';
import type { AnyTransformer, Time } from './transformer.ts';

/** Notifications and the time after each: what the laws feed a transformer with. */
export interface ScriptStep {
  readonly id: string;
  readonly items: readonly Item[];
  readonly time: Time;
}
export type Script = readonly ScriptStep[];

/** A number in [0, 1); seeded by the caller, so that a broken law can be shown again. */
export type Random = () => number;

const start = 1_709_500_000_000;

/** Items like those of the examples, with other volumes, resources and times: late, doubled, strange. */
export function randomScript(transformer: AnyTransformer, random: Random, length = 8): Script {
  const patterns = transformer.examples.flatMap((example) => example.given);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const steps: ScriptStep[] = [];
  let [partition, watermark, at] = [0, Number.NEGATIVE_INFINITY, start];
  for (let i = 0; i < length; i++) {
    at += Math.floor(random() * 40_000);
    partition += pick([0, 1_000, 30_000, 700_000]);
    const items = Array.from({ length: pick([0, 1, 1, 2, 4]) }, (_, n) => {
      const pattern = patterns.length === 0 ? {} : pick(patterns);
      return randomItem(pattern, `${i}-${n}`, at + pick([0, 0, 500, -20_000, -90_000]), random, pick);
    });
    for (const item of items) watermark = Math.max(watermark, parseEventTime(itemTime(item)) || watermark);
    steps.push({ id: `notification ${i}`, items, time: { partition, watermark, now: at } });
  }
  return [
    ...steps,
    {
      id: 'the end',
      items: [],
      time: { partition: partition + 90_000_000, watermark: watermark + 90_000_000, now: at + 90_000_000 },
    },
  ];
}

function randomItem(
  pattern: Readonly<Record<string, Json>>,
  id: string,
  at: number,
  random: Random,
  pick: <T>(choices: readonly T[]) => T,
): Item {
  const item = exampleItem(pattern);
  if (isEvent(item)) return { ...item, message_id: id, generated: timeText(at).replace('+00:00', '') };
  const volumes: readonly Json[] = [
    Math.floor(random() * 1_000),
    random() * 1_000,
    new Float(3),
    -4,
    2n ** 60n,
    0,
    '12',
    'many',
    null,
    true,
  ];
  const sample = {
    ...item,
    id,
    volume: pick([pick(volumes), pick(volumes.slice(0, 6))]),
    type: pick([item.type, item.type, 'cumulative', 'delta'] as const),
    timestamp: random() < 0.03 ? 'no time' : timeText(at),
    resource_id: pick([item.resource_id, item.resource_id, 'r2']),
    monotonic_time: pick([null, null, random() * 100]),
    user_id: pick([item.user_id, null]),
  };
  return sample;
}

export interface Lived {
  readonly id: string;
  readonly result: ChainResult;
}

/** One whole life. `reborn`: everything stored and loaded into a new chain between any two calls. */
export function live(options: ChainOptions, script: Script, { reborn = false } = {}): Lived[] {
  const store = new Map<string, string>();
  const lived: Lived[] = [];
  let chain = createChain(options);
  for (const { id, items, time } of script) {
    const calls = [() => chain.applyNotification(id, items, time), () => chain.advance(time)];
    calls.forEach((call, i) => {
      lived.push({ id: `${id}, ${i === 0 ? 'items' : 'time'}`, result: call() });
      if (!reborn) return;
      const { set, del } = chain.takeDirty();
      for (const [key, text] of set) store.set(key, text);
      for (const key of del) store.delete(key);
      chain = createChain(options);
      // A store gives rows back in an order of its own.
      chain.load([...store].sort(([a], [b]) => (a < b ? 1 : -1)));
      chain.resume(i === 0 ? { ...time, watermark: watermarkBefore(script, id) } : time);
    });
  }
  return lived;
}

function watermarkBefore(script: Script, id: string): number {
  const at = script.findIndex((step) => step.id === id);
  return script[at - 1]?.time.watermark ?? Number.NEGATIVE_INFINITY;
}
