import * as http from 'node:http';
import * as https from 'node:https';
import { linkedAbort } from '../../lib/linked-abort.ts';
import { classify, Fault } from '../../model/faults.ts';
import { tlsOptions } from '../../model/tls-files.ts';
import { readConfigured } from '../configured-file.ts';
import type { Batch, Publisher, PublisherContext, PublisherKind } from '../publisher.ts';
import { type HttpParameters, summary } from './schema.ts';
import { faultOfStatus } from './status.ts';

/**
 * One POST per batch. The `Idempotency-Key` is the batch id, the same for every try, so that a server that took a batch whose answer
 * was lost can know it. Redirects are not followed: data goes to the configured URL or nowhere.
 */
export const httpPublisher: PublisherKind<HttpParameters> = {
  name: 'http',
  summary,
  open: async (parameters, context) => {
    const url = new URL(parameters.url);
    const tls = await tlsOptions(parameters.tls, (path) => readConfigured(path, context.baseDir));
    if (parameters.bearer_file !== undefined) await readConfigured(parameters.bearer_file, context.baseDir);
    const options = { keepAlive: true, maxSockets: 1, scheduling: 'lifo' as const };
    const agent = url.protocol === 'https:' ? new https.Agent({ ...options, ...tls }) : new http.Agent(options);
    return new HttpPublisher(parameters, context, url, agent);
  },
};

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

class HttpPublisher implements Publisher {
  readonly #parameters: HttpParameters;
  readonly #context: PublisherContext;
  readonly #url: URL;
  readonly #agent: http.Agent;

  constructor(parameters: HttpParameters, context: PublisherContext, url: URL, agent: http.Agent) {
    this.#parameters = parameters;
    this.#context = context;
    this.#url = url;
    this.#agent = agent;
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    const lines = batch.lines();
    // A line has no newline inside, so joining the lines makes the array without encoding anything twice.
    const body = this.#parameters.format === 'ndjson' ? lines : `[${lines.trimEnd().replaceAll('\n', ',')}]`;
    const type = this.#parameters.format === 'ndjson' ? 'application/x-ndjson' : 'application/json';
    const headers = { 'content-type': type, 'idempotency-key': batch.id };
    const { status, retryAfter, body: said } = await this.#request('POST', headers, body, signal);
    const fault = faultOfStatus(status, retryAfter, said, this.#context.clock.now());
    if (fault !== undefined) throw fault;
  }

  /** Any answer but a refusal of our credentials shows that somebody is there; what a POST would do is not tried out. */
  async probe(signal: AbortSignal): Promise<void> {
    const { status, retryAfter, body } = await this.#request('HEAD', {}, '', signal);
    if (status === 401 || status === 403 || status === 407 || status >= 500) {
      const fault = faultOfStatus(status, retryAfter, body, this.#context.clock.now());
      if (fault !== undefined) throw fault;
    }
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }

  async #request(method: string, headers: http.OutgoingHttpHeaders, body: string, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const { timeout_ms: timeoutMs, bearer_file: bearerFile } = this.#parameters;
    const bearer = bearerFile === undefined ? undefined : (await readConfigured(bearerFile, this.#context.baseDir)).trim();
    const timeout = new AbortController();
    const late = setTimeout(() => timeout.abort(), timeoutMs);
    const either = linkedAbort(signal, timeout.signal);
    try {
      return await send(this.#url, body, {
        method,
        agent: this.#agent,
        signal: either.signal,
        headers: {
          ...this.#parameters.headers,
          ...headers,
          'content-length': Buffer.byteLength(body),
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        },
      });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (timeout.signal.aborted)
        throw new Fault('retryable', 'http_timeout', `no answer within ${timeoutMs} ms`, { cause: error });
      throw toNetworkFault(error);
    } finally {
      clearTimeout(late);
      either.release();
    }
  }
}

function send(url: URL, body: string, options: https.RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http;
    const request = client.request(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (text.length < 1024) text += chunk;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body: text }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Between us and an answer everything is the network's or the certificate's trouble, and may pass. */
function toNetworkFault(error: unknown): Fault {
  const fault = classify(error);
  if (fault.class === 'retryable') return fault;
  return new Fault('retryable', 'http_network', fault.message, { cause: error });
}
