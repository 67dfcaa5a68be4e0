import type { Clock } from '../../lib/clock.ts';
import type { LmdbEnvironment } from '../../lib/lmdb-environment.ts';
import type { Appender, Attachment, PartitionRef, PartitionStats, TopicCapabilities, Topics } from '../topic.ts';
import { EmbeddedAppender, type OnBounded } from './embedded-appender.ts';
import { EmbeddedAttachment } from './embedded-attachment.ts';
import { PartitionLog } from './partition-log.ts';
import { Settlements } from './settlements.ts';
import { WakeUps } from './wake-ups.ts';

export interface EmbeddedTopicsOptions {
  readonly clock: Clock;
  /** For tests: offsets skip numbers. */
  readonly holes?: boolean;
  readonly onBounded?: OnBounded;
}

/** Topics as a log on local disk. Entries before the anchor are trimmed, so it cannot be rewound to its genesis entry. */
export class EmbeddedTopics implements Topics {
  readonly capabilities: TopicCapabilities = { kind: 'log', rewind: false, singleActiveConsumer: false };
  readonly #environment: LmdbEnvironment;
  readonly #clock: Clock;
  readonly #onBounded: OnBounded;
  readonly #log: PartitionLog;
  readonly #wakeUps: WakeUps;
  readonly #settlements: Settlements;
  readonly #appenders = new Set<EmbeddedAppender>();

  constructor(environment: LmdbEnvironment, options: EmbeddedTopicsOptions) {
    this.#environment = environment;
    this.#clock = options.clock;
    this.#onBounded = options.onBounded ?? (() => {});
    this.#log = new PartitionLog(environment, options.holes ?? false);
    this.#wakeUps = new WakeUps(this.#log, options.clock);
    this.#settlements = new Settlements(environment, this.#log);
  }

  create(refs: readonly PartitionRef[], genesis: (ref: PartitionRef) => Uint8Array, boundBytes: number): Promise<void> {
    const prepared = refs.map((ref) => ({ ref, bytes: genesis(ref) }));
    return this.#environment.transact(() => {
      for (const { ref, bytes } of prepared) this.#log.createInTransaction(ref, bytes, boundBytes, this.#clock.now());
    });
  }

  async list(cluster: string): Promise<readonly PartitionRef[]> {
    this.#log.refresh();
    return this.#log.list(cluster);
  }

  async openAppender(): Promise<Appender> {
    const appender = new EmbeddedAppender(this.#environment, this.#log, this.#wakeUps, this.#clock, this.#onBounded);
    this.#appenders.add(appender);
    return appender;
  }

  /** The log needs no credit, so `prefetch` has no meaning here: `read` takes what it asks for. */
  async attach(ref: PartitionRef, from: number | null, _prefetch: number): Promise<Attachment> {
    this.#log.refresh();
    this.#log.record(ref);
    return new EmbeddedAttachment(ref, from ?? 0, this.#log, this.#wakeUps, this.#settlements, this.#clock);
  }

  async stats(ref: PartitionRef): Promise<PartitionStats> {
    this.#log.refresh();
    return this.#log.stats(ref);
  }

  async retire(ref: PartitionRef): Promise<void> {
    while (!(await this.#environment.transact(() => this.#log.retireInTransaction(ref))));
  }

  /** Ends waiting readers and appends and writes what was settled. The environment belongs to whoever opened it. */
  async close(): Promise<void> {
    await this.#wakeUps.close();
    await Promise.all([...this.#appenders].map((appender) => appender.close()));
    await this.#settlements.drained();
  }
}
