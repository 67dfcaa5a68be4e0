import type { SinkConfig } from '../config/sink-config.ts';
import type { Converter } from '../core/convert/converter.ts';
import { decodeNotification } from '../core/convert/envelope.ts';
import { itemLines } from '../core/convert/wire.ts';
import { Partition } from '../core/partition/partition.ts';
import { maxTickStepMs } from '../core/partition/partition-clock.ts';
import { createRouter, type Router } from '../core/route/router.ts';
import type { Drop } from '../core/transformers/transformer.ts';
import { type Entry, parseEntry } from '../model/entry.ts';
import type { Event } from '../model/event.ts';
import { classify } from '../model/faults.ts';
import type { Item } from '../model/item.ts';
import type { Notification } from '../model/notification.ts';
import type { Sample } from '../model/sample.ts';
import { countLetter, type LetterCounts } from './letter-counts.ts';
import { parseRecording } from './recorder.ts';
import { sinkChain } from './sink-chain.ts';
import { speak } from './unspeakable.ts';

/**
 * The whole product in one synchronous object: notifications in, outputs out, through the same converter, router, partitions and
 * chains as a running agent, without any store, clock or target. It is the oracle that fault tests and the demo compare with, and
 * what `ceilograph replay` and `ceilograph test` run.
 */
export interface ReplayOutput {
  readonly sink: string;
  readonly items: readonly Item[];
}

export class Replay {
  readonly #converter: Converter;
  readonly #router: Router;
  readonly #sinks: readonly {
    readonly config: SinkConfig;
    readonly partitions: readonly Partition[];
    readonly sequences: number[];
  }[];
  readonly #emit: (output: ReplayOutput) => void;
  readonly #fed = new Set<Partition>();
  readonly dropped = new Map<string, number>();
  /** What a running agent would have put among its dead letters, by reason, with the words of the first. */
  readonly deadLetters: LetterCounts = new Map();
  #at: number;
  #offset = 0;
  #ticks = 0;

  /** `at` is the wall clock (epoch ms) the entries are said to come at: event times more than 10 minutes beyond it are refused. */
  constructor(
    cluster: string,
    sinks: readonly SinkConfig[],
    converter: Converter,
    at: number,
    emit: (output: ReplayOutput) => void,
  ) {
    this.#converter = converter;
    this.#router = createRouter(sinks);
    this.#at = at;
    this.#emit = emit;
    this.#sinks = sinks.map((config) => ({
      config,
      partitions: Array.from({ length: config.partitions }, () => new Partition(sinkChain(cluster, config))),
      sequences: Array.from({ length: config.partitions }, () => 0),
    }));
  }

  /** A raw message, as an input gets it: what cannot be decoded becomes a dead letter. */
  applyRaw(body: Uint8Array): void {
    let notification: Notification;
    try {
      notification = decodeNotification(body);
    } catch (error) {
      const { code, message } = classify(error);
      countLetter(this.deadLetters, code, message);
      return;
    }
    this.apply(notification);
  }

  apply(notification: Notification): void {
    const { samples, events, problems } = this.#converter.convert(notification);
    for (const { code, message } of problems) countLetter(this.deadLetters, code, message);
    this.applyItems(notification.message_id, samples, events);
  }

  /** What a notification was converted to. Parts with an id that was there before are repeats, and are left out. */
  applyItems(notificationId: string, samples: readonly Sample[], events: readonly Event[]): void {
    this.#router.route(notificationId, samples, events, (sinkIndex, partition, part) => {
      const sink = this.#sinks[sinkIndex];
      if (sink === undefined) return;
      const seq = (sink.sequences[partition] ?? 0) + 1;
      sink.sequences[partition] = seq;
      this.#run(sinkIndex, partition, {
        kind: 'data',
        listener: 'replay',
        seq,
        at: this.#at,
        proven: seq - 1,
        notifications: [part],
        canaries: [],
      });
    });
  }

  /** What was recorded of one partition (`record:` writes it): the exact replay. */
  applyRecording(sink: string, partition: number, text: string): void {
    const sinkIndex = this.#sinks.findIndex((other) => other.config.sink === sink);
    if (sinkIndex < 0) return;
    for (const entries of parseRecording(text)) {
      this.#sinks[sinkIndex]?.partitions[partition]?.takenOver();
      for (const entry of entries) this.#run(sinkIndex, partition, parseEntry(entry));
    }
  }

  /** Lets `ms` of quiet time pass in every partition, in ticks of at most 2 s: windows close, deadlines come due. */
  pass(ms: number): void {
    this.#tickAll();
    for (let left = ms; left > 0; left -= maxTickStepMs) {
      this.#at += Math.min(left, maxTickStepMs);
      this.#tickAll();
    }
  }

  /** A partition that nothing came to has nothing that could come due; a test of one key would pay for all sixteen. */
  #tickAll(): void {
    this.#ticks += 1;
    this.#sinks.forEach((sink, sinkIndex) => {
      sink.partitions.forEach((target, partition) => {
        if (!this.#fed.has(target)) return;
        this.#run(sinkIndex, partition, { kind: 'tick', incarnation: 1, epoch: 1, n: this.#ticks, at: this.#at });
      });
    });
  }

  #run(sinkIndex: number, partition: number, entry: Entry): void {
    const sink = this.#sinks[sinkIndex];
    const target = sink?.partitions[partition];
    if (sink === undefined || target === undefined) return;
    if (entry.kind === 'data') this.#fed.add(target);
    this.#offset += 1;
    const applied = target.apply(entry, this.#offset, '');
    for (const drop of applied.dropped) this.#count(drop);
    for (const { reason, message } of applied.letters) countLetter(this.deadLetters, reason, message);
    target.takeChange(0);
    if (applied.out.length === 0) return;
    const { items, bad } = speak(applied.out, itemLines);
    for (const { message } of bad) countLetter(this.deadLetters, 'unspeakable', message);
    if (items.length > 0) this.#emit({ sink: sink.config.sink, items });
  }

  #count(drop: Drop): void {
    this.dropped.set(drop.reason, (this.dropped.get(drop.reason) ?? 0) + drop.count);
  }
}
