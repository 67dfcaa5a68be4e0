import { Fault } from '../../model/faults.ts';
import { isEvent } from '../../model/item.ts';
import type { Sample } from '../../model/sample.ts';
import { HttpClient } from '../http-client.ts';
import { metricName, nanosOf, volumeOf } from '../metric.ts';
import { type Batch, PartialFault, type Publisher, type PublisherKind } from '../publisher.ts';
import { type PrometheusParameters, summary } from './schema.ts';
import { snappyLiteral } from './snappy.ts';
import { encodeWriteRequest, type Series } from './write-request.ts';

/**
 * One write request per batch. A sample is known by its series and time, so a repeated batch changes nothing. Of a request that holds
 * something that Prometheus refuses it keeps the rest; the lane then halves the batch until the refused ones stand alone.
 */
export const prometheus: PublisherKind<PrometheusParameters> = {
  name: 'prometheus',
  summary,
  open: async (parameters, context) => {
    if (context.kind === 'events') throw new Fault('fatal', 'samples_only', 'the prometheus publisher takes samples only');
    return new PrometheusPublisher(parameters, await HttpClient.open(parameters, context));
  },
};

const headers = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
  'user-agent': 'ceilograph',
} as const;

class PrometheusPublisher implements Publisher {
  readonly #labels: Readonly<Record<string, string>>;
  readonly #url: URL;
  readonly #client: HttpClient;

  constructor(parameters: PrometheusParameters, client: HttpClient) {
    this.#labels = parameters.labels;
    this.#url = new URL(parameters.url);
    this.#client = client;
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    const refused = new Map<number, string>();
    const series = new Map<string, { labels: Map<string, string>; points: { value: number; ms: bigint }[] }>();
    for (const [index, item] of batch.items.entries()) {
      if (isEvent(item)) continue;
      const value = volumeOf(item);
      const nanos = nanosOf(item.timestamp);
      if (value === null || nanos === null) {
        refused.set(index, value === null ? 'the volume is no number' : `${item.timestamp} is no time`);
        continue;
      }
      const labels = this.#labelsOf(item);
      const key = JSON.stringify([...labels]);
      const found = series.get(key) ?? { labels, points: [] };
      found.points.push({ value, ms: nanos / 1_000_000n });
      series.set(key, found);
    }
    if (series.size > 0) await this.#write([...series.values()], signal);
    if (refused.size > 0) throw new PartialFault(refused);
  }

  /** An empty request is taken and changes nothing. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#write([], signal);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #write(series: readonly Series[], signal: AbortSignal): Promise<void> {
    const body = snappyLiteral(encodeWriteRequest(series));
    await this.#client.demand({ method: 'POST', url: this.#url, headers, body }, signal);
  }

  #labelsOf(sample: Sample): Map<string, string> {
    const labels = new Map(Object.entries(this.#labels));
    labels.set('__name__', metricName(sample.name));
    // An empty label is no label to Prometheus.
    for (const name of ['resource_id', 'user_id', 'project_id'] as const) {
      const value: unknown = sample[name];
      if (value !== null && value !== undefined && value !== '') labels.set(name, String(value));
    }
    return labels;
  }
}
