import { z } from 'zod';
import { httpTarget, httpUrl } from '../http-target.ts';

export const OtlpSchema = z.strictObject({
  url: httpUrl().describe('The collector: `http://collector:4318`; `/v1/metrics` or `/v1/logs` is added where there is no path.'),
  form: z
    .enum(['otlp', 'ceilometer'])
    .default('otlp')
    .describe(
      "`otlp`: OTLP/HTTP JSON, samples as metrics, events as logs. `ceilometer`: what Ceilometer's `opentelemetryhttp://` sends, one " +
        'request per sample, with its two errors (seconds where nanoseconds belong, and `counter`, which OTLP does not have).',
    ),
  resource: z
    .record(z.string().min(1), z.string())
    .default({})
    .describe('Attributes of the resource, such as `service.name` or the region.'),
  ...httpTarget,
});
export type OtlpParameters = z.output<typeof OtlpSchema>;
export const summary = 'Sends samples as metrics and events as logs to an OpenTelemetry collector (OTLP over HTTP, JSON).';
