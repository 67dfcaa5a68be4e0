import { Fault } from '../../model/faults.ts';
import { isEvent, itemId } from '../../model/item.ts';
import type { JsonObject } from '../../model/json.ts';
import { parseJson, printJson } from '../../model/json-text.ts';
import type { Sample } from '../../model/sample.ts';
import { HttpClient } from '../http-client.ts';
import type { Answer } from '../http-exchange.ts';
import { type Batch, PartialFault, type Publisher, type PublisherContext, type PublisherKind } from '../publisher.ts';
import { toCeilometerMetric } from './ceilometer-form.ts';
import { toLogRecord } from './logs.ts';
import { attributes, toMetrics, unspeakable } from './metrics.ts';
import { type OtlpParameters, summary } from './schema.ts';

/**
 * One request per batch. A collector that takes only part of one answers 200 and says how many it refused, not which: the batch then counts as
 * refused, and the lane halves it until the refused ones stand alone. What is sent again is the same points at the same times.
 */
export const otlp: PublisherKind<OtlpParameters> = {
  name: 'otlp',
  summary,
  open: async (parameters, context) => {
    if (context.kind === 'events' && parameters.form === 'ceilometer')
      throw new Fault(
        'fatal',
        'samples_only',
        "the form `ceilometer` takes samples only, as Ceilometer's opentelemetryhttp:// does",
      );
    return new OtlpPublisher(parameters, context, await HttpClient.open(parameters, context));
  },
};

const scope = { name: 'ceilograph' };
const json = { 'content-type': 'application/json' };

class OtlpPublisher implements Publisher {
  readonly #parameters: OtlpParameters;
  readonly #url: URL;
  readonly #client: HttpClient;
  readonly #resource: JsonObject;

  constructor(parameters: OtlpParameters, context: PublisherContext, client: HttpClient) {
    this.#parameters = parameters;
    this.#url = new URL(parameters.url);
    if (this.#url.pathname === '/') this.#url.pathname = context.kind === 'samples' ? '/v1/metrics' : '/v1/logs';
    this.#client = client;
    this.#resource = { attributes: attributes(Object.entries({ 'service.name': 'ceilograph', ...parameters.resource })) };
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    const refused = new Map<number, string>();
    const samples: Sample[] = [];
    const records: JsonObject[] = [];
    for (const [index, item] of batch.items.entries()) {
      if (isEvent(item)) records.push(toLogRecord(item));
      else {
        const why = unspeakable(item);
        if (why === null) samples.push(item);
        else refused.set(index, why);
      }
    }
    if (this.#parameters.form === 'ceilometer') for (const sample of samples) await this.#sendAsCeilometer(sample, signal);
    else {
      if (samples.length > 0)
        await this.#send({ resourceMetrics: [this.#scoped('scopeMetrics', 'metrics', toMetrics(samples))] }, batch.id, signal);
      if (records.length > 0)
        await this.#send({ resourceLogs: [this.#scoped('scopeLogs', 'logRecords', records)] }, batch.id, signal);
    }
    if (refused.size > 0) throw new PartialFault(refused);
  }

  /** An empty request is one that a collector takes. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#client.demand({ method: 'POST', url: this.#url, headers: json, body: '{}' }, signal);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #scoped(scopes: string, list: string, content: readonly JsonObject[]): JsonObject {
    return { resource: this.#resource, [scopes]: [{ scope, [list]: content }] };
  }

  async #send(body: JsonObject, id: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#client.demand(
      { method: 'POST', url: this.#url, headers: { ...json, 'idempotency-key': id }, body: printJson(body) },
      signal,
    );
    const partly = partialFault(answer);
    if (partly !== undefined) throw partly;
  }

  async #sendAsCeilometer(sample: Sample, signal: AbortSignal): Promise<void> {
    const body = printJson(toCeilometerMetric(sample));
    await this.#client.demand(
      { method: 'POST', url: this.#url, headers: { ...json, 'idempotency-key': itemId(sample) }, body },
      signal,
    );
  }
}

/** `partialSuccess` of the answer. Empty, or nothing refused: a remark, and all was taken. */
function partialFault({ body }: Answer): Fault | undefined {
  let said: JsonObject;
  try {
    said = parseJson(body) as JsonObject;
  } catch {
    return undefined; // some collectors answer with nothing, or in another encoding; the status has said that it is taken
  }
  const partial = said?.['partialSuccess'] as JsonObject | undefined;
  const count = Number(partial?.['rejectedDataPoints'] ?? partial?.['rejectedLogRecords'] ?? 0);
  if (!(count > 0)) return undefined;
  return new Fault(
    'poison',
    'otlp_partial',
    `the collector refused ${count}: ${String(partial?.['errorMessage'] ?? 'without a reason')}`,
  );
}
