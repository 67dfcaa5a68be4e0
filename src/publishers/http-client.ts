import * as http from 'node:http';
import * as https from 'node:https';
import { linkedAbort } from '../lib/linked-abort.ts';
import { classify, Fault } from '../model/faults.ts';
import { type TlsOptions, tlsOptions } from '../model/tls-files.ts';
import { readConfigured } from './configured-file.ts';
import type { Answer, Request } from './http-exchange.ts';
import { faultOfStatus } from './http-status.ts';
import type { HttpTarget } from './http-target.ts';
import type { PublisherContext } from './publisher.ts';

interface Agents {
  readonly 'http:': http.Agent;
  readonly 'https:': https.Agent;
}

const mostAnswer = 4 * 1024 * 1024;

/**
 * One keep-alive connection per target, a timeout per request, the bearer read before each. It retries nothing: the lane does. Redirects are not
 * followed: data goes to the configured URL or nowhere. What happens between us and an answer is a retryable Fault.
 */
export class HttpClient {
  readonly #target: HttpTarget;
  readonly #context: PublisherContext;
  readonly #agents: Agents;

  /** Fails at once when a certificate or the token cannot be read. */
  static async open(target: HttpTarget, context: PublisherContext): Promise<HttpClient> {
    const tls = context.ask === undefined ? await filesOf(target, context) : {};
    const options = { keepAlive: true, maxSockets: 1, scheduling: 'lifo' as const };
    return new HttpClient(target, context, {
      'http:': new http.Agent(options),
      'https:': new https.Agent({ ...options, ...tls }),
    });
  }

  private constructor(target: HttpTarget, context: PublisherContext, agents: Agents) {
    this.#target = target;
    this.#context = context;
    this.#agents = agents;
  }

  /** Any answer, whatever its status. */
  async ask({ method, url, headers, body = '' }: Request, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    if (this.#context.ask !== undefined)
      return this.#context.ask({ method, url, headers: { ...this.#target.headers, ...headers }, body });
    const { timeout_ms: timeoutMs, bearer_file: bearerFile } = this.#target;
    const bearer = bearerFile === undefined ? undefined : (await readConfigured(bearerFile, this.#context.baseDir)).trim();
    const timeout = new AbortController();
    const late = setTimeout(() => timeout.abort(), timeoutMs);
    const either = linkedAbort(signal, timeout.signal);
    try {
      return await send(url, body, {
        method,
        agent: url.protocol === 'https:' ? this.#agents['https:'] : this.#agents['http:'],
        signal: either.signal,
        headers: {
          ...this.#target.headers,
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

  /** The answer when it is one of success; else the Fault of its status. */
  async demand(request: Request, signal: AbortSignal): Promise<Answer> {
    const answer = await this.ask(request, signal);
    const fault = this.faultOf(answer);
    if (fault !== undefined) throw fault;
    return answer;
  }

  faultOf({ status, retryAfter, body }: Answer): Fault | undefined {
    return faultOfStatus(status, retryAfter, body, this.#context.clock.now());
  }

  /** Any answer but a refusal of our credentials shows that somebody is there; what a POST would do is not tried out. */
  async knock(url: URL, signal: AbortSignal): Promise<void> {
    const answer = await this.ask({ method: 'HEAD', url }, signal);
    const fault = this.faultOf(answer);
    if (fault !== undefined && (answer.status >= 500 || [401, 403, 407].includes(answer.status))) throw fault;
  }

  async close(): Promise<void> {
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
  }
}

/** The certificates, and a look at whether the token can be read. */
async function filesOf(target: HttpTarget, { baseDir }: PublisherContext): Promise<TlsOptions> {
  const tls = await tlsOptions(target.tls, (path) => readConfigured(path, baseDir));
  if (target.bearer_file !== undefined) await readConfigured(target.bearer_file, baseDir);
  return tls;
}

function send(url: URL, body: string | Uint8Array, options: https.RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http;
    const request = client.request(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (text.length < mostAnswer) text += chunk;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'],
          body: text,
          headers: response.headers,
        }),
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
