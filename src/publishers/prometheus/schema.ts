import { z } from 'zod';
import { httpTarget, httpUrl } from '../http-target.ts';

export const PrometheusSchema = z.strictObject({
  url: httpUrl().describe(
    'Of the receiver: `http://prometheus:9090/api/v1/write` (Prometheus with `--web.enable-remote-write-receiver`, Mimir, VictoriaMetrics, …).',
  ),
  labels: z
    .record(z.string().regex(/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/, 'not a label name'), z.string())
    .default({})
    .describe('More labels for every series, such as the region.'),
  ...httpTarget,
});
export type PrometheusParameters = z.output<typeof PrometheusSchema>;
export const summary =
  'Writes samples to Prometheus (remote write 1.0), with their own times. Prometheus refuses what is older than its newest of a series unless ' +
  '`out_of_order_time_window` is set; refused samples become dead letters.';
