import { Fault } from '../../src/model/faults.ts';
import {
  type Appender,
  type Attachment,
  custodyLost,
  type PartitionRef,
  partitionName,
  type Received,
  type Topics,
} from '../../src/topics/topic.ts';
import type { Flaw } from './flaws.ts';
import type { Link } from './link.ts';
import type { Session, SimQueue } from './sim-queue.ts';
import type { Process, SimClock, World } from './world.ts';

/** What the topics' client of one agent has at hand. */
export interface Client {
  readonly world: World;
  readonly process: Process;
  readonly clock: SimClock;
  readonly link: Link;
  readonly queues: ReadonlyMap<string, SimQueue>;
  readonly broken: ReadonlySet<Flaw>;
  readonly prefetch: number;
  /** How likely an append is cut in the middle, comes in twice, or with a hole. */
  readonly appendTrouble: () => number;
}

/** The topics of one agent, with the manners of the queue adapter: offsets that only grow, attachments that come back by themselves. */
export function simTopics(client: Client): Topics {
  const never = (): Promise<never> => Promise.reject(new Error('not simulated'));
  return {
    capabilities: { kind: 'queue', rewind: false, singleActiveConsumer: true },
    create: never,
    list: never,
    stats: never,
    retire: never,
    openAppender: async () => new SimAppender(client),
    attach: async (ref, from, prefetch) => {
      const attachment = new SimAttachment(client, queueOf(client, ref), from, Math.min(prefetch, client.prefetch));
      try {
        await attachment.attach();
      } catch (error) {
        attachment.abandon();
        throw error;
      }
      return attachment;
    },
    close: async () => undefined,
  };
}

function queueOf({ queues }: Client, ref: PartitionRef): SimQueue {
  const queue = queues.get(partitionName(ref));
  if (queue === undefined) throw new Fault('retryable', 'no_topic', `there is no queue ${partitionName(ref)}`);
  return queue;
}

class SimAttachment implements Attachment {
  readonly #client: Client;
  readonly #queue: SimQueue;
  #prefetch: number;
  #offset: number;
  #session: Session | null = null;
  #inbox: Received[] = [];
  #unsettled: { readonly offset: number; readonly tag: number }[] = [];
  #closed = false;
  #wake: () => void = () => {};

  constructor(client: Client, queue: SimQueue, from: number | null, prefetch: number) {
    this.#client = client;
    this.#queue = queue;
    this.#offset = from ?? 0;
    this.#prefetch = prefetch;
  }

  async attach(): Promise<void> {
    await this.#client.link.call<null>((answer) => {
      if (this.#closed || this.#session !== null || this.#client.process.dead) return answer(null);
      const session: Session = this.#queue.attach(
        this.#client.process,
        this.#prefetch,
        (tag, { bytes, redelivered }) => {
          if (this.#session !== session) return;
          this.#offset += 1;
          this.#unsettled.push({ offset: this.#offset, tag });
          this.#inbox.push({ offset: this.#offset, bytes, redelivered });
          if (this.#client.broken.has('settle-before-commit')) this.#queue.settle(session, tag);
          this.#wake();
        },
        () => this.#lost(session),
      );
      this.#session = session;
      answer(null);
    });
  }

  abandon(): void {
    this.#closed = true;
    if (this.#session !== null) this.#queue.end(this.#session);
  }

  #lost(session: Session): void {
    if (this.#session !== session) return;
    this.#session = null;
    this.#inbox = [];
    this.#unsettled = [];
    void this.#again();
  }

  async #again(): Promise<void> {
    while (!this.#closed && this.#session === null) {
      await this.#client.clock.sleep(this.#client.world.random.between(20, 500));
      if (!this.#closed) await this.attach().catch(() => undefined);
    }
  }

  async read(max: number, waitMs: number, signal: AbortSignal): Promise<readonly Received[]> {
    const until = this.#client.clock.monotonic() + waitMs;
    for (;;) {
      signal.throwIfAborted();
      if (this.#closed) return [];
      if (this.#inbox.length > 0) return this.#inbox.splice(0, max);
      const left = until - this.#client.clock.monotonic();
      if (left <= 0) {
        this.#widenWhenStuck();
        return [];
      }
      const over = new AbortController();
      const wake = () => over.abort();
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
      await this.#client.clock.sleep(left, over.signal).catch(() => undefined);
      signal.removeEventListener('abort', wake);
      this.#wake = () => {};
    }
  }

  #widenWhenStuck(): void {
    const session = this.#session;
    if (session === null || this.#unsettled.length < this.#prefetch) return;
    this.#prefetch *= 2;
    this.#queue.end(session);
  }

  async settle(offset: number): Promise<void> {
    const session = this.#session;
    let count = 0;
    while ((this.#unsettled[count]?.offset ?? Number.POSITIVE_INFINITY) <= offset) count += 1;
    const last = this.#unsettled.splice(0, count).at(-1);
    if (last === undefined || session === null) return;
    void this.#client.link.call<null>(() => this.#queue.settle(session, last.tag)).catch(() => this.#queue.end(session));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    const session = this.#session;
    if (session === null) return;
    const { world, process } = this.#client;
    await new Promise<void>((resolve) => {
      world.after(world.random.between(0.1, 20), null, () => {
        this.#queue.end(session);
        world.after(0.1, process, resolve);
      });
    });
  }
}

interface Pending {
  readonly queue: SimQueue;
  readonly bytes: Uint8Array;
  readonly mayGo: () => boolean;
  readonly giveUp: () => void;
  readonly confirmed: () => void;
}

/** Go-back-N: what is not confirmed together with all before it is sent again, from the first such entry, bytes unchanged. */
class SimAppender implements Appender {
  readonly #client: Client;
  #backlog: Pending[] = [];
  #running = false;

  constructor(client: Client) {
    this.#client = client;
  }

  append(
    entries: readonly { readonly partition: PartitionRef; readonly bytes: Uint8Array }[],
    signal: AbortSignal,
    mayGo = () => true,
  ): Promise<void> {
    const { broken } = this.#client;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      let left = entries.length;
      const onAbort = () => {
        this.#backlog = this.#backlog.filter(({ confirmed: other }) => other !== confirmed);
        reject(signal.reason);
      };
      const giveUp = () => {
        signal.removeEventListener('abort', onAbort);
        this.#backlog = this.#backlog.filter(({ confirmed: other }) => other !== confirmed);
        reject(custodyLost());
      };
      const confirmed = () => {
        left -= 1;
        if (left > 0) return;
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      for (const { partition, bytes } of entries)
        this.#backlog.push({ queue: queueOf(this.#client, partition), bytes, mayGo, giveUp, confirmed });
      if (broken.has('ack-before-confirm')) resolve();
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    const { link, clock, world } = this.#client;
    this.#running = true;
    while (this.#backlog.length > 0) {
      for (const { mayGo, giveUp } of [...this.#backlog]) if (!mayGo()) giveUp();
      const sent = this.#backlog.slice(0, 16);
      const count = await link.call<number>((answer) => answer(this.#store(sent))).catch(() => 0);
      // Aborted ones have left the backlog meanwhile; the others keep their order.
      for (const entry of sent.slice(0, count)) {
        const at = this.#backlog.indexOf(entry);
        if (at < 0) continue;
        this.#backlog.splice(at, 1);
        entry.confirmed();
      }
      if (count < sent.length) await clock.sleep(world.random.between(5, 300));
    }
    this.#running = false;
  }

  /** How many are confirmed, all before them too. */
  #store(sent: readonly Pending[]): number {
    const { world, appendTrouble, broken } = this.#client;
    const { random } = world;
    const troubled = random.chance(appendTrouble());
    const trouble = troubled ? random.pick(['cut', 'hole', 'again'] as const) : null;
    const at = random.int(0, sent.length - 1);
    let [count, whole] = [0, true];
    for (const [index, { queue, bytes }] of sent.entries()) {
      if (trouble === 'cut' && index === at) break;
      const stored = (trouble !== 'hole' || index !== at) && queue.push(bytes);
      if (!stored) whole = false;
      if (whole || broken.has('confirm-a-gap')) count += 1;
    }
    // An earlier channel's copy of the same entries comes in after all.
    if (trouble === 'again')
      world.after(random.between(1, 20_000), null, () => {
        for (const { queue, bytes } of sent) queue.push(bytes);
      });
    return count;
  }

  async close(): Promise<void> {
    this.#backlog = [];
  }
}
