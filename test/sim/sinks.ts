import type { SinkConfig, SinkStep } from '../../src/config/sink-config.ts';
import type { Converter } from '../../src/core/convert/converter.ts';
import { transformers } from '../../src/core/transformers/registry.ts';
import type { AnyTransformer } from '../../src/core/transformers/transformer.ts';
import type { Json } from '../../src/model/json.ts';
import { sampleWith } from '../sample.ts';
import type { Random } from './random.ts';
import { SimClock } from './world.ts';

/** What the simulated cluster computes: one sink that shows every sample, one that hangs on order, one that hangs on time. */
export function simSinks(random: Random): readonly SinkConfig[] {
  const partitions = random.int(1, 2);
  return [
    sink('every', 1, [], { kind: 'arrival' }),
    sink('rates', partitions, [step('rate_of_change', { target: { name: 'rate' } })], { kind: 'arrival' }),
    sink(
      'windows',
      1,
      [step('window', { size: '10s', compute: ['count', 'sum'], lateness: '5s' })],
      random.chance(0.5) ? { kind: 'arrival' } : { kind: 'event', latenessMs: 3_000 },
    ),
  ];
}

function step(name: string, parameters: Json): SinkStep {
  const transformer = transformers[name] as AnyTransformer;
  return { name, transformer, parameters: transformer.Parameters.parse(parameters) };
}

function sink(name: string, partitions: number, steps: readonly SinkStep[], order: SinkConfig['order']): SinkConfig {
  return {
    sink: name,
    from: 'samples',
    sources: [{ name, match: ['*'] }],
    partitionBy: ['resource_id'],
    partitions,
    steps,
    publish: [
      {
        kind: 'file',
        name: 'out',
        parameters: {},
        onFull: 'suspend',
        maxOutboxBytes: 4_000,
        batch: { maxItems: 8, maxBytes: 10_000, lingerMs: 0 },
      },
    ],
    order,
    direct: false,
    record: null,
    compat: false,
    hash: `hash of ${name}`,
    origin: 'sim:1',
  };
}

export interface Raw {
  readonly id: string;
  readonly body: Uint8Array;
}

const encoder = new TextEncoder();

/** The `index`-th notification: a counter of one of a few resources, read at that moment. */
export function rawNotification(random: Random, index: number, at: number): Raw {
  const id = `m${index}`;
  const payload = { resource: `r${random.int(1, 4)}`, count: index * 10 };
  const timestamp = new Date(SimClock.epoch + at - random.int(0, 4_000)).toISOString();
  const message = { message_id: id, publisher_id: 'sim', event_type: 'meter', priority: 'INFO', timestamp, payload };
  return { id, body: encoder.encode(JSON.stringify(message)) };
}

export const converter: Converter = {
  warnings: [],
  convert: ({ message_id, timestamp, payload }) => {
    const { resource, count } = payload as { readonly resource: string; readonly count: number };
    const sample = sampleWith({
      id: `s-${message_id}`,
      source: 'sim',
      name: 'counter',
      type: 'cumulative',
      unit: 'B',
      volume: count,
      resource_id: resource,
      timestamp,
    });
    return { samples: [sample], events: [], verdict: 'ack', problems: [], dropped: 0 };
  },
};
