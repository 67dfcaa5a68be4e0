import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Read, Reading } from './readings.ts';
import type { PlainMetric, Row } from './row.ts';

type LooseFacts = Readonly<Record<string, unknown>>;
type Update = (facts: LooseFacts) => void;

export const metricPrefix = 'ceilograph_';
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The metrics of a table of events and of one of readings, and what updates them. The only file that knows prom-client. */
export function createMetrics(
  table: Readonly<Record<string, Row<unknown>>>,
  readings: Readonly<Record<string, Reading>>,
): {
  readonly registry: Registry;
  readonly update: (name: string, facts: LooseFacts) => void;
  /** Replaces what was read before, label values that are gone included. */
  readonly read: (values: Readonly<Record<string, readonly Read[]>>) => void;
} {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: metricPrefix });
  const updates = new Map<string, readonly Update[]>();
  for (const [name, { metrics }] of Object.entries(table)) {
    if (metrics.length > 0)
      updates.set(
        name,
        metrics.map((metric) => toUpdate(registry, metric)),
      );
  }
  const setters = Object.entries(readings).map(([name, reading]) => [name, toSetter(registry, name, reading)] as const);
  return {
    registry,
    read: (values) => {
      for (const [name, set] of setters) set(values[name] ?? []);
    },
    update: (name, facts) => {
      for (const update of updates.get(name) ?? []) update(facts);
    },
  };
}

function toUpdate(registry: Registry, metric: PlainMetric): Update {
  const labelNames = metric.labels ?? [];
  const labelsOf = (facts: LooseFacts) => Object.fromEntries(labelNames.map((label) => [label, String(facts[label])]));
  const amount = (facts: LooseFacts) => (metric.value === undefined ? 1 : Number(facts[metric.value]));
  const options = (name: string) => ({ name: metricPrefix + name, help: metric.help, labelNames, registers: [registry] });
  if (metric.counter !== undefined) {
    const counter = existing<Counter>(registry, metric.counter) ?? new Counter(options(metric.counter));
    return (facts) => counter.inc(labelsOf(facts), amount(facts));
  }
  if (metric.gauge !== undefined) {
    const gauge = existing<Gauge>(registry, metric.gauge) ?? new Gauge(options(metric.gauge));
    return (facts) => gauge.set(labelsOf(facts), amount(facts));
  }
  const name = metric.histogram ?? '';
  const histogram = existing<Histogram>(registry, name) ?? new Histogram({ ...options(name), buckets });
  return (facts) => histogram.observe(labelsOf(facts), amount(facts));
}

function toSetter(registry: Registry, name: string, { kind, help, labels = [] }: Reading): (values: readonly Read[]) => void {
  const options = { name: metricPrefix + name, help, labelNames: [...labels], registers: [registry] };
  const metric = kind === 'counter' ? new Counter(options) : new Gauge(options);
  return (values) => {
    metric.reset();
    metric.remove({}); // a metric without labels would stand at 0, which nobody has read
    for (const { labels: given = {}, value } of values) metric.inc(given, value);
  };
}

function existing<T>(registry: Registry, name: string): T | undefined {
  return registry.getSingleMetric(metricPrefix + name) as T | undefined;
}
