import { orAborted } from '../../lib/or-aborted.ts';
import { connectRedis, type RedisClient } from '../../lib/redis-client.ts';
import { Fault } from '../../model/faults.ts';
import { itemId } from '../../model/item.ts';
import { tlsOptions } from '../../model/tls-files.ts';
import { readConfigured } from '../configured-file.ts';
import type { Batch, Publisher, PublisherContext, PublisherKind } from '../publisher.ts';
import { type RedisStreamParameters, summary } from './schema.ts';

/**
 * A batch is one transaction of XADDs, so that it stands there whole or not at all, in order. Accepted means that Redis has answered; what that is
 * worth when its machine dies is for `appendfsync` to say. A connection that failed is left, and the next try makes another: nothing is ever
 * sent twice behind our back.
 */
export const redisStream: PublisherKind<RedisStreamParameters> = {
  name: 'redis-stream',
  summary,
  open: async (parameters, context) => new RedisStreamPublisher(parameters, context),
};

class RedisStreamPublisher implements Publisher {
  readonly #parameters: RedisStreamParameters;
  readonly #context: PublisherContext;
  #client: RedisClient | undefined;

  constructor(parameters: RedisStreamParameters, context: PublisherContext) {
    this.#parameters = parameters;
    this.#context = context;
  }

  async publish(batch: Batch, signal: AbortSignal): Promise<void> {
    const lines = batch.lines().split('\n');
    const { stream, max_length: most } = this.#parameters;
    const entries = batch.items.map((item, index) => ({ id: itemId(item), item: lines[index] ?? '' }));
    const { hand } = this.#context;
    if (hand !== undefined) {
      for (const { id, item } of entries) await hand({ to: { stream, id }, body: item });
      return;
    }
    const trim = most === undefined ? [] : ['MAXLEN', '~', String(most)];
    await this.#use(signal, async (client) => {
      const transaction = client.multi();
      for (const { id, item } of entries) transaction.call('XADD', stream, ...trim, '*', 'id', id, 'item', item);
      for (const [error] of (await transaction.exec()) ?? []) if (error !== null) throw error;
    });
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#use(signal, async (client) => {
      const type = await client.type(this.#parameters.stream);
      if (type !== 'none' && type !== 'stream')
        throw new Fault('retryable', 'redis_wrong_type', `the key ${this.#parameters.stream} is no stream but a ${type}`);
    });
  }

  async close(): Promise<void> {
    this.#client?.disconnect();
    this.#client = undefined;
  }

  async #use(signal: AbortSignal, work: (client: RedisClient) => Promise<void>): Promise<void> {
    signal.throwIfAborted();
    try {
      const client = await this.#open(signal);
      await orAborted(work(client), signal);
    } catch (error) {
      await this.close();
      throw signal.aborted ? signal.reason : toFault(error);
    }
  }

  async #open(signal: AbortSignal): Promise<RedisClient> {
    if (this.#client?.status === 'ready') return this.#client;
    await this.close();
    const { url, password_file: file, tls, timeout_ms: timeoutMs } = this.#parameters;
    const read = (path: string) => readConfigured(path, this.#context.baseDir);
    const password = file === undefined ? undefined : (await read(file)).trim();
    this.#client = await connectRedis({ url, password, tls: await tlsOptions(tls, read), timeoutMs }, signal);
    return this.#client;
  }
}

/** Whatever Redis answers is for an operator or time to heal: full, read-only, wrong password, another type under the key. */
function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Fault('retryable', 'redis_stream', `Redis: ${message}`, { cause: withoutCommand(error) });
}

/** The client hangs the whole command on its errors; neither a password nor a batch belongs into a log. */
function withoutCommand(thrown: unknown): unknown {
  if (typeof thrown === 'object' && thrown !== null && 'command' in thrown) delete thrown.command;
  return thrown;
}
