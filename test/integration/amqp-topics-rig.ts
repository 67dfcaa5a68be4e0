import type { Appender, Attachment, PartitionRef, Topics } from '../../src/topics/topic.ts';

export const never = new AbortController().signal;

export function refOf(partition: number, sink = 'sink'): PartitionRef {
  return { cluster: 'test', sink, generation: 1, partition };
}

export const genesisOf = () => Buffer.from('0');

export function entry(partition: PartitionRef, sequence: number) {
  return { partition, bytes: Buffer.from(String(sequence)) };
}

/** Appends numbers from 1 on, over all partitions at once, until told to stop; then waits for every confirm. */
export class Writer {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly confirmed = new Map<PartitionRef, number>();
  #failures = 0;
  readonly #underWay = new Set<Promise<void>>();

  constructor(appender: Appender, refs: readonly PartitionRef[], atOnce: number) {
    for (const ref of refs) this.confirmed.set(ref, 0);
    this.#running = this.#run(appender, refs, atOnce);
  }

  /** Confirmed entries, of all partitions together. */
  get count(): number {
    return [...this.confirmed.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Batches that were handed to the appender and are not settled. */
  get underWay(): number {
    return this.#underWay.size;
  }

  get failures(): number {
    return this.#failures;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(appender: Appender, refs: readonly PartitionRef[], atOnce: number): Promise<void> {
    let next = 1;
    while (!this.#stop.signal.aborted) {
      const from = next;
      next += 3;
      const one = this.#insist(appender, refs, from).finally(() => this.#underWay.delete(one));
      this.#underWay.add(one);
      if (this.#underWay.size >= atOnce) await Promise.race(this.#underWay);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(this.#underWay);
  }

  /** As a listener does it: what failed is appended once more, under the same number. */
  async #insist(appender: Appender, refs: readonly PartitionRef[], from: number): Promise<void> {
    for (;;) {
      try {
        await appender.append(
          [from, from + 1, from + 2].flatMap((sequence) => refs.map((ref) => entry(ref, sequence))),
          never,
        );
        for (const ref of refs) this.confirmed.set(ref, Math.max(this.confirmed.get(ref) ?? 0, from + 2));
        return;
      } catch {
        this.#failures += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

/** The rule of the worker: exactly last + 1 is applied, a lower one was there before, a higher one waits. */
class Sequence {
  applied = 0;
  repeated = 0;
  readonly #ahead = new Set<number>();

  see(sequence: number): void {
    if (sequence <= this.applied) this.repeated += 1;
    else this.#ahead.add(sequence);
    while (this.#ahead.delete(this.applied + 1)) this.applied += 1;
  }

  get held(): readonly number[] {
    return [...this.#ahead];
  }
}

/** Reads and settles until the partition is empty. */
export async function drain(topics: Topics, ref: PartitionRef): Promise<Sequence> {
  const attachment = await topics.attach(ref, null, 200);
  const sequence = new Sequence();
  for (;;) {
    const received = await attachment.read(1000, 500, never);
    const last = received.at(-1);
    if (last === undefined) break;
    for (const { bytes } of received) sequence.see(Number(Buffer.from(bytes).toString()));
    await attachment.settle(last.offset);
  }
  await attachment.close();
  return sequence;
}

export async function takeTexts(attachment: Attachment, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count)
    for (const { bytes } of await attachment.read(count - texts.length, 10_000, never)) texts.push(Buffer.from(bytes).toString());
  return texts;
}
