import type { Converter } from '../../../src/core/convert/converter.ts';
import { createRouter } from '../../../src/core/route/router.ts';
import type { Custody, Delivery } from '../../../src/inputs/input.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type DataEntry, parseEntry } from '../../../src/model/entry.ts';
import { Float, type Json, type JsonObject } from '../../../src/model/json.ts';
import type { Notification } from '../../../src/model/notification.ts';
import type { Sample } from '../../../src/model/sample.ts';
import type { DeadLetters } from '../../../src/pipeline/dead-letters.ts';
import { Intake } from '../../../src/pipeline/intake.ts';
import type { Letter } from '../../../src/pipeline/letter.ts';
import { type ListenerParts, runListener } from '../../../src/pipeline/listener.ts';
import { CurrentListening, type Listening } from '../../../src/pipeline/listening.ts';
import { Sequencer } from '../../../src/pipeline/sequencer.ts';
import { createTally } from '../../../src/pipeline/tally.ts';
import { type Appender, custodyLost } from '../../../src/topics/topic.ts';
import { sampleWith } from '../../sample.ts';

const partition = { cluster: 'c', sink: 's', generation: 1, partition: 0 };

/** A promise to end by hand. */
export interface Latch {
  readonly promise: Promise<void>;
  open(): void;
  fail(error: unknown): void;
}

export function latch(): Latch {
  let open = () => {};
  let fail = (_: unknown) => {};
  const promise = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  promise.catch(() => undefined);
  return { promise, open, fail };
}

/** A listener whose every edge a test holds in its hand. What happened to deliveries and entries stands in `story`, in order. */
export class Rig {
  readonly story: string[] = [];
  readonly entries: DataEntry[] = [];
  readonly letters: Letter[] = [];
  readonly tally = createTally();
  readonly intake: Intake<Delivery>;
  readonly hard = new AbortController();
  /** Replaced by a test: what an append or a proof waits for. */
  append: (signal: AbortSignal) => Promise<void> = async () => undefined;
  prove: () => Promise<void> = async () => undefined;
  record: () => Promise<void> = async () => undefined;
  /** As a broker does: what is given back is delivered again. */
  againWhenGivenBack = false;
  readonly ended: Promise<void>;

  constructor(overrides: Partial<ListenerParts & Listening> = {}) {
    this.intake = overrides.intake ?? new Intake<Delivery>(100);
    const appender: Appender = {
      append: async (entries, signal, mayGo) => {
        await this.append(signal);
        if (mayGo?.() === false) throw custodyLost();
        for (const { bytes } of entries) {
          const entry = parseEntry(new TextDecoder().decode(bytes)) as DataEntry;
          this.entries.push(entry);
          this.story.push(`append ${entry.listener}:${entry.seq}`);
        }
      },
      close: async () => undefined,
    };
    const deadLetters = {
      record: async (letter: Letter) => {
        await this.record();
        this.letters.push(letter);
        this.story.push(`letter ${letter.reason}`);
        return 'id';
      },
    } as unknown as DeadLetters;
    this.ended = runListener(
      {
        name: 'in',
        intake: this.intake,
        input: { prove: () => this.prove() },
        feeds: ['in/q'],
        listening: new CurrentListening({
          configs: [],
          converter,
          router: createRouter([
            { sink: 's', from: 'samples', sources: [{ name: 's', match: ['*'] }], partitionBy: ['resource_id'], partitions: 1 },
          ]),
          sinks: [{ kind: 'topic', partitions: [partition], canaries: true }],
          limits: { maxMessageBytes: 1 << 20, maxDepth: 32, maxString: 1 << 16, maxSamplesPerNotification: 100 },
          lingerFrom: 0,
          ...overrides,
        }),
        appender,
        sequencer: new Sequencer('boot'),
        deadLetters,
        tally: this.tally,
        clock: systemClock,
        maxBatch: 10,
        lingerMs: 0,
        ...overrides,
      },
      this.hard.signal,
    );
    this.ended.catch(() => undefined);
  }

  /** Hands in bodies as one delivery each, named by their place in the text. */
  deliver(...bodies: readonly (string | Json)[]): Promise<void> {
    return this.intake.deliver(bodies.map((body) => this.#deliveryOf(body)));
  }

  deliverUnder(custody: Custody, ...bodies: readonly Json[]): Promise<void> {
    return this.intake.deliver(bodies.map((body) => ({ ...this.#deliveryOf(body), custody })));
  }

  #deliveryOf(body: string | Json): Delivery {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const name = (typeof body === 'object' && (body as { message_id?: string } | null)?.message_id) || text;
    let kept = new TextEncoder().encode(text);
    return {
      get body() {
        return kept;
      },
      bodyRead: () => {
        kept = new Uint8Array(0);
      },
      origin: 'amqp://x/q',
      priority: 'info',
      redelivered: false,
      settle: () => void this.story.push(`settle ${name}`),
      giveBack: () => {
        this.story.push(`back ${name}`);
        if (this.againWhenGivenBack) setImmediate(() => void this.deliver(body));
      },
    };
  }

  async end(): Promise<void> {
    this.intake.end();
    await this.ended;
  }
}

/** A notification that becomes one sample; its payload says what the converter makes of it. */
export function message(id: string, payload: Json = {}, eventType = 'e'): Json {
  return { message_id: id, publisher_id: 'p', event_type: eventType, timestamp: '2026-01-01T00:00:00', payload };
}

const converter: Converter = {
  warnings: [],
  convert: ({ message_id, payload }: Notification) => {
    const wish = payload as {
      readonly requeue?: true;
      readonly infinite?: true;
      readonly throws?: true;
      readonly grows?: string;
    };
    if (wish.throws) throw new Error('a definition failed');
    const volume = wish.infinite ? new Float(Number.POSITIVE_INFINITY) : 1;
    return {
      samples: wish.requeue ? [] : [sample(message_id, volume, wish.grows === undefined ? {} : { text: wish.grows })],
      events: [],
      verdict: wish.requeue ? 'requeue' : 'ack',
      problems: [],
      dropped: 0,
    };
  },
};

function sample(id: string, volume: Sample['volume'], metadata: JsonObject): Sample {
  return sampleWith({
    id: `sample-${id}`,
    name: 'm',
    unit: 'u',
    volume,
    timestamp: '2026-01-01T00:00:00',
    resource_metadata: metadata,
  });
}

export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('it did not happen within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
