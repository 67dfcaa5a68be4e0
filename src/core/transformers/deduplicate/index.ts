import { z } from 'zod';
import { itemId } from '../../../model/item.ts';
import { compileGroupingKey } from '../../partition/grouping-key.ts';
import { duration } from '../duration.ts';
import type { KeyedTransformer } from '../transformer.ts';

const Parameters = z
  .strictObject({
    by: z
      .union([z.literal('id'), z.array(z.string().min(1)).min(1)])
      .default('id')
      .describe('What makes two items the same: their id, or the values of these fields.'),
    window: duration.describe('How long an item is remembered, in partition time, from the first time it is seen.'),
    max_keys: z
      .number()
      .int()
      .positive()
      .default(1_000_000)
      .describe('At this many remembered items per partition the oldest is forgotten.'),
  })
  .transform(({ by, window, max_keys }) => ({
    by,
    windowMs: window,
    maxKeys: max_keys,
    key: by === 'id' ? null : compileGroupingKey(by),
  }));
type Parameters = z.infer<typeof Parameters>;

/** Partition time when it was first seen. */
const State = z.number();

const duplicate = [{ reason: 'duplicate', count: 1 }] as const;

export const deduplicate: KeyedTransformer<Parameters, number> = {
  name: 'deduplicate',
  summary: 'Lets an item through once within a window of time.',
  takes: ['samples', 'events'],
  scope: 'key',
  forgets: () => true,
  Parameters: Parameters as unknown as KeyedTransformer<Parameters, number>['Parameters'],
  State,
  examples: [
    {
      title: 'One alarm per host in ten minutes',
      yaml: 'by: [event_type, traits.host]\nwindow: 10m',
      given: [
        { event_type: 'host.down', traits: [['host', 1, 'a']] },
        { event_type: 'host.down', traits: [['host', 1, 'a']] },
        { event_type: 'host.down', traits: [['host', 1, 'b']] },
      ],
      expect: [{ traits: [['host', 1, 'a']] }, { traits: [['host', 1, 'b']] }],
    },
  ],
  // Two items of one id are one item, so they meet in one partition however it is chosen.
  partitionKeys: ({ by }) => (by === 'id' ? undefined : by),
  key: ({ key }, item) => (key === null ? [itemId(item)] : key(item)),
  newer: (a, b) => Math.max(a, b),
  shift: (seenAt, ms) => seenAt + ms,
  step({ windowMs }, seenAt, item, time) {
    if (seenAt !== undefined && time.partition - seenAt < windowMs) return { state: seenAt, out: [], dropped: duplicate };
    return { state: time.partition, out: [{ item }] };
  },
  deadline: ({ windowMs }, seenAt) => ({ clock: 'partition', at: seenAt + windowMs }),
  due: () => ({ state: null, out: [] }),
  maxKeys: ({ maxKeys }) => maxKeys,
};
