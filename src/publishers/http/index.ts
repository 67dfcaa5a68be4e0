import { type Item, isEvent, itemId } from '../../model/item.ts';
import { isObject } from '../../model/json.ts';
import { printJson } from '../../model/json-text.ts';
import { commonTrace } from '../../model/output-traces.ts';
import { HttpClient } from '../http-client.ts';
import { type Batch, PartialFault, type Publisher, type PublisherKind } from '../publisher.ts';
import { type HttpParameters, summary } from './schema.ts';

/**
 * One POST per batch, or per item. The `Idempotency-Key` is the batch's id, or the item's, the same for every try, so that a server that took it
 * and whose answer was lost can know it.
 */
export const httpPublisher: PublisherKind<HttpParameters> = {
  name: 'http',
  summary,
  open: async (parameters, context) =>
    new HttpPublisher(parameters, new URL(parameters.url), await HttpClient.open(parameters, context)),
};

class HttpPublisher implements Publisher {
  readonly #parameters: HttpParameters;
  readonly #url: URL;
  readonly #client: HttpClient;

  constructor(parameters: HttpParameters, url: URL, client: HttpClient) {
    this.#parameters = parameters;
    this.#url = url;
    this.#client = client;
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    const { format } = this.#parameters;
    if (format === 'item') return await this.#publishEach(batch, signal);
    const lines = this.#parameters.raw_only ? rawLines(batch.items) : batch.lines();
    if (lines === '') return;
    // A line has no newline inside, so joining the lines makes the array without encoding anything twice.
    const body = format === 'ndjson' ? lines : `[${lines.trimEnd().replaceAll('\n', ',')}]`;
    const type = format === 'ndjson' ? 'application/x-ndjson' : 'application/json';
    const answer = await this.#send(body, type, batch.id, commonTrace(batch.traces, batch.count), signal);
    const fault = this.#client.faultOf(answer);
    if (fault !== undefined) throw fault;
  }

  /** What is refused is told at the end, so that its neighbours arrive. */
  async #publishEach(batch: Batch, signal: AbortSignal): Promise<void> {
    const lines = this.#parameters.raw_only ? batch.items.map(rawText) : batch.lines().split('\n');
    const refused = new Map<number, string>();
    for (const [index, item] of batch.items.entries()) {
      const body = lines[index] ?? '';
      if (body === '') continue;
      const answer = await this.#send(body, 'application/json', itemId(item), batch.traces?.[index], signal);
      const fault = this.#client.faultOf(answer);
      if (fault !== undefined && fault.class !== 'poison') throw fault;
      if (fault !== undefined) refused.set(index, fault.message);
    }
    if (refused.size > 0) throw new PartialFault(refused);
  }

  #send(body: string, type: string, key: string, trace: string | undefined, signal: AbortSignal) {
    const headers = { 'content-type': type, 'idempotency-key': key, ...(trace === undefined ? {} : { traceparent: trace }) };
    return this.#client.ask({ method: 'POST', url: this.#url, headers, body }, signal);
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#client.knock(this.#url, signal);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

function rawText(item: Item): string {
  if (!isEvent(item) || !isObject(item.raw)) return '';
  const payload = Object.hasOwn(item.raw, 'payload') ? item.raw['payload'] : undefined;
  // As in Ceilometer, an empty payload is none.
  const empty = payload === undefined || payload === null || (isObject(payload) && Object.keys(payload).length === 0);
  return empty ? '' : printJson(payload);
}

function rawLines(items: readonly Item[]): string {
  return items
    .map(rawText)
    .filter((text) => text !== '')
    .map((text) => `${text}\n`)
    .join('');
}
