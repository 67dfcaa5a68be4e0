import { announce } from '../core/liveness/announce.ts';
import { crazymonitor } from '../core/liveness/crazymonitor-step.ts';
import { reportOf } from '../core/liveness/items.ts';
import { liveness } from '../core/liveness/liveness.ts';
import type { LivenessSettings } from '../core/liveness/settings.ts';
import { compileAttribute, toText } from '../core/partition/grouping-key.ts';
import type { AnyTransformer } from '../core/transformers/transformer.ts';
import { type Item, isEvent } from '../model/item.ts';
import type { LivenessConfig } from './agent-config.ts';
import { hashOf } from './canonical.ts';
import type { SinkConfig, SinkTarget } from './sink-config.ts';

/** The sink whose partitions hold the hosts, and the one whose only partition tells of them. */
export const livenessSink = 'liveness';
export const announceSink = 'liveness-announce';

/** The target that writes statuses back to the database of the inventory. */
export const statusTarget = 'status';
/** And the one that keeps keys for readers of the original. */
export const mirrorTarget = 'mirror';

/** What the agent puts in the place of a publisher: outputs go on as events of its own pipelines. */
export const pipelinesKind = 'pipelines';

/**
 * Two sinks that no file describes. What the first finds out about hosts goes to the second, and what that one says goes as events to every
 * sink that takes them. Both run like any other: owned, committed, and told under ids that stay.
 */
export function livenessSinks(config: LivenessConfig | null): readonly SinkConfig[] {
  if (config === null) return [];
  const { partitions, announcing, reports, compat, inventory, mirror } = config;
  const keepsStatuses = inventory.kind === 'sql' && inventory.update !== null;
  // Half of what hosts do is only for who keeps their statuses.
  const judging: LivenessSettings = { ...config.judging, tellsStates: keepsStatuses || mirror !== null };
  return [
    {
      ...common(livenessSink, compat === null ? liveness : crazymonitor, judging, { partitions, judging, reports, compat }),
      from: 'samples',
      sources: reports.map((rule, i) => ({ name: `${livenessSink}-${i}`, match: rule.match, as: asReport(rule) })),
      partitionBy: ['resource_id'],
      partitions,
      publish: [
        target(announceSink),
        ...(keepsStatuses ? [target(statusTarget)] : []),
        ...(mirror === null ? [] : [target(mirrorTarget)]),
      ],
    },
    {
      ...common(announceSink, announce, announcing, { announcing }),
      from: 'events',
      sources: [],
      partitionBy: ['event_type'],
      partitions: 1,
      publish: [target('pipelines')],
      feeds: 'none',
    },
  ];
}

function common(sink: string, transformer: AnyTransformer, parameters: unknown, facts: object) {
  return {
    sink,
    steps: [{ name: transformer.name, transformer, parameters }],
    order: { kind: 'arrival' },
    direct: false,
    record: null,
    compat: false,
    hash: hashOf({ version: 1, sink, ...facts }),
    origin: sink,
  } as const;
}

function target(name: string): SinkTarget {
  return {
    kind: pipelinesKind,
    name,
    parameters: {},
    onFull: 'suspend',
    maxOutboxBytes: 64 * 1024 * 1024,
    batch: { maxItems: 1_000, maxBytes: 4 * 1024 * 1024, lingerMs: 0 },
  };
}

/** Null for a sample that names no host. */
function asReport({ host, service }: LivenessConfig['reports'][number]): (item: Item) => Item | null {
  const hostOf = compileAttribute(host);
  const serviceOf = service.startsWith('=') ? () => service.slice(1) : compileAttribute(service);
  return (item) => {
    if (isEvent(item)) return null;
    const [name, of] = [toText(hostOf(item)), toText(serviceOf(item))];
    return name === '' || of === '' ? null : reportOf(item, name, of);
  };
}
