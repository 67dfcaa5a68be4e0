import { randomUUID } from 'node:crypto';
import { orAborted } from '../../lib/or-aborted.ts';
import { connectRedis, type RedisClient } from '../../lib/redis-client.ts';
import { retryLoop } from '../../lib/retry-loop.ts';
import { Fault } from '../../model/faults.ts';
import { tlsOptions } from '../../model/tls-files.ts';
import { readConfigured, readSecret } from '../configured-file.ts';
import type { Delivery, Input, InputContext, InputKind } from '../input.ts';
import { parseKey, parseNewest } from './newest.ts';
import { type RedisListsParameters, summary } from './schema.ts';

export const redisLists: InputKind<RedisListsParameters> = {
  name: 'redis-lists',
  summary,
  open: async (parameters, context) => new RedisListsInput(parameters, context),
};

const keysPerScan = 1_000;
const keysPerCall = 500;
const reportsAtOnce = 500;

/**
 * Looks at the newest element of each list, again and again; another time than before is a report. What a list held when it was seen first is
 * none: nobody knows how old it is by our clock. The lists stay as they are, so a report that is lost with us is the next one's to make good.
 *
 * While Redis does not answer no canary is sent, which stops the time of whoever waits for reports.
 */
class RedisListsInput implements Input {
  readonly #parameters: RedisListsParameters;
  readonly #context: InputContext;
  readonly #seen = new Map<string, number | null>();
  #client: RedisClient | null = null;
  #answers = false;
  #discovered = Number.NEGATIVE_INFINITY;
  #outstanding = 0;

  constructor(parameters: RedisListsParameters, context: InputContext) {
    this.#parameters = parameters;
    this.#context = context;
  }

  async run(): Promise<void> {
    const { clock, random, soft, hard, report } = this.#context;
    const leave = AbortSignal.any([soft, hard]);
    while (!leave.aborted) {
      const retryable = (thrown: unknown) => {
        if (thrown instanceof Fault && thrown.class === 'fatal') return undefined;
        if (this.#answers) report({ kind: 'disconnected', detail: 'redis does not answer', retryInMs: this.#parameters.poll_ms });
        this.#answers = false;
        this.#leave();
        return 0;
      };
      const reports = await retryLoop({ clock, random, signal: leave, baseMs: 200, capMs: 10_000, retryable }, () =>
        orAborted(this.#look(leave), leave),
      ).catch((error: unknown) => {
        if (!leave.aborted) throw error;
        return [];
      });
      if (leave.aborted) break;
      if (!this.#answers) report({ kind: 'connected', detail: `${this.#parameters.prefix}*_latest` });
      this.#answers = true;
      await this.#deliver(reports);
      await clock.sleep(this.#parameters.poll_ms, leave).catch(() => undefined); // we leave
    }
    while (this.#outstanding > 0 && !hard.aborted) await clock.sleep(10, hard).catch(() => undefined); // we leave at once
  }

  /** Nothing that was settled comes again: the lists are only looked at. */
  async prove(): Promise<void> {}

  async sendCanary(): Promise<boolean> {
    // "Sent": then nobody stands in for it, and it does not come back.
    return !this.#answers;
  }

  async close(): Promise<void> {
    this.#leave();
  }

  async #look(leave: AbortSignal): Promise<readonly Report[]> {
    const client = await this.#open(leave);
    const { clock } = this.#context;
    if (clock.monotonic() - this.#discovered >= this.#parameters.discover_ms) {
      await this.#discover(client);
      this.#discovered = clock.monotonic();
    }
    const reports: Report[] = [];
    const keys = [...this.#seen.keys()];
    for (let from = 0; from < keys.length; from += keysPerCall) {
      const some = keys.slice(from, from + keysPerCall);
      const pipeline = client.pipeline();
      for (const key of some) pipeline.lindex(key, -1);
      const answers = (await pipeline.exec()) ?? [];
      some.forEach((key, i) => {
        const [error, text] = answers[i] ?? [null, null];
        if (error !== null && !/WRONGTYPE/.test(error.message)) throw error;
        this.#compare(key, typeof text === 'string' ? text : null, reports);
      });
    }
    return reports;
  }

  #compare(key: string, text: string | null, reports: Report[]): void {
    const place = parseKey(key, this.#parameters.prefix);
    const newest = text === null ? null : parseNewest(text);
    if (place === null || newest === null) return;
    const before = this.#seen.get(key);
    this.#seen.set(key, newest.time);
    if (before === null || before === undefined || before === newest.time) return;
    reports.push({ ...place, data: newest.data });
  }

  /** A list that is gone is forgotten, and new again when it comes back. */
  async #discover(client: RedisClient): Promise<void> {
    const found = new Set<string>();
    let cursor = '0';
    do {
      const [next, keys] = await client.scan(
        cursor,
        'MATCH',
        `${escaped(this.#parameters.prefix)}*_latest`,
        'COUNT',
        keysPerScan,
      );
      for (const key of keys) if (parseKey(key, this.#parameters.prefix) !== null) found.add(key);
      cursor = next;
    } while (cursor !== '0');
    for (const key of this.#seen.keys()) if (!found.has(key)) this.#seen.delete(key);
    for (const key of found) if (!this.#seen.has(key)) this.#seen.set(key, null);
  }

  async #deliver(reports: readonly Report[]): Promise<void> {
    const deliveries: Delivery[] = [];
    for (let from = 0; from < reports.length; from += reportsAtOnce)
      deliveries.push(this.#deliveryOf(reports.slice(from, from + reportsAtOnce)));
    if (deliveries.length > 0) await this.#context.deliver(deliveries);
  }

  #deliveryOf(reports: readonly Report[]): Delivery {
    this.#outstanding += 1;
    let isOpen = true;
    const end = () => {
      if (isOpen) this.#outstanding -= 1;
      isOpen = false;
    };
    const notification = {
      message_id: randomUUID(),
      publisher_id: this.#context.name,
      event_type: 'ceilograph.reports',
      priority: 'INFO',
      timestamp: new Date(this.#context.clock.now()).toISOString(),
      payload: { reports: reports.map(({ data, ...place }) => (isData(data) ? { ...place, data } : place)) },
    };
    return {
      body: new TextEncoder().encode(JSON.stringify(notification)),
      origin: `redis-lists:${this.#context.name}`,
      priority: undefined,
      redelivered: false,
      settle: end,
      giveBack: end,
    };
  }

  async #open(leave: AbortSignal): Promise<RedisClient> {
    if (this.#client !== null) return this.#client;
    const { url, password_file: file, tls, timeout_ms: timeoutMs } = this.#parameters;
    const { baseDir } = this.#context;
    const password = file === undefined ? undefined : await readSecret(file, baseDir);
    const trust = await tlsOptions(tls, (path) => readConfigured(path, baseDir));
    this.#client = await connectRedis({ url, password, tls: trust, timeoutMs }, leave);
    return this.#client;
  }

  #leave(): void {
    this.#client?.disconnect();
    this.#client = null;
  }
}

interface Report {
  readonly host: string;
  readonly service: string;
  readonly data: unknown;
}

function isData(data: unknown): boolean {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

/** For Redis' globs. */
function escaped(text: string): string {
  return text.replace(/[\\[\]*?^-]/g, '\\$&');
}
