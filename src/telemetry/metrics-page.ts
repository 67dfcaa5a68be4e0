import { events } from './events.ts';
import { metricPrefix } from './metrics.ts';
import { readings } from './readings.ts';
import type { PlainMetric, Row } from './row.ts';

/** The reference of metrics: every name that `/metrics` shows of our own, from the tables that make them. */
export function metricsPage(): string {
  return `${[
    '# Metrics, health and status',
    '',
    'Written by `npm run generate` from `src/telemetry/`; not to be edited.',
    '',
    '`admin.listen` serves three pages, none of which changes anything. On a loopback address the Host header must name this machine; with',
    '`admin.token_file` all but `/healthz` want `Authorization: Bearer TOKEN`.',
    '',
    '- `GET /healthz`: 200 while the agent runs; 503 with `reason` while it starts, stops, or once a part that should run for ever has failed.',
    '- `GET /v1/status`: what `ceilograph status --json` prints, and in `servedBy` who says it.',
    '- `GET /metrics`: what follows.',
    '',
    'Each agent process speaks for itself and for the partitions it owns, so that sums over all of them are right; `partition` is the number within',
    'the sink. A counter begins again at 0 with its process. A metric with labels has no line until the first of its kind.',
    '',
    '| metric | kind | labels | |',
    '|---|---|---|---|',
    ...[...rowsOfReadings(), ...rowsOfEvents()].map(
      ({ name, kind, labels, help }) =>
        `| \`${metricPrefix}${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    ),
    '',
    `Beside them stand the metrics of the process itself as prom-client names them, with the same prefix: \`${metricPrefix}process_cpu_seconds_total\`,`,
    `\`${metricPrefix}process_resident_memory_bytes\`, \`${metricPrefix}nodejs_eventloop_lag_seconds\`, …`,
  ].join('\n')}\n`;
}

interface Line {
  readonly name: string;
  readonly kind: string;
  readonly labels: readonly string[];
  readonly help: string;
}

function rowsOfReadings(): readonly Line[] {
  return Object.entries(readings).map(([name, reading]) => ({
    name,
    kind: reading.kind,
    labels: 'labels' in reading ? reading.labels : [],
    help: reading.help,
  }));
}

/** Two events may share a metric; it is one line. */
function rowsOfEvents(): readonly Line[] {
  const table: Readonly<Record<string, Row<unknown>>> = events;
  const lines = Object.values(table).flatMap((row) => row.metrics.map(toLine));
  return [...new Map(lines.map((line) => [line.name, line])).values()];
}

function toLine({ counter, gauge, histogram, labels = [], help }: PlainMetric): Line {
  const kind = counter !== undefined ? 'counter' : gauge !== undefined ? 'gauge' : 'histogram';
  return { name: counter ?? gauge ?? histogram ?? '', kind, labels, help };
}
