import type { Part } from '../model/entry.ts';
import type { Event } from '../model/event.ts';
import type { Item } from '../model/item.ts';
import type { Sample } from '../model/sample.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';
import type { Taps } from './taps.ts';
import type { TraceStep, Traces } from './traces.ts';

/** What people may watch of the way of messages through this process: live (taps) and afterwards (traces). Never holds anything up. */
export class Watching {
  readonly taps: Taps;
  readonly traces: Traces;
  readonly #now: () => number;
  #received: { readonly samples: number; readonly events: number; readonly step: TraceStep } | null = null;

  constructor(taps: Taps, traces: Traces, now: () => number) {
    this.taps = taps;
    this.traces = traces;
    this.#now = now;
  }

  converted(input: string, origin: string, id: string, samples: readonly Sample[], events: readonly Event[]): void {
    this.traces.note(id, this.#receivedStep(this.#now(), input, origin, samples.length, events.length));
    if (!this.taps.any) return;
    this.taps.tell('converted', { input }, samples);
    this.taps.tell('converted', { input }, events);
  }

  /** Messages of one millisecond that are alike share theirs: what is kept for long costs the most. */
  #receivedStep(at: number, input: string, origin: string, samples: number, events: number): TraceStep {
    const last = this.#received;
    if (last?.samples === samples && last.events === events && last.step.at === at && last.step.origin === origin) {
      if (last.step.input === input) return last.step;
    }
    const step: TraceStep = { at, step: 'received', input, origin, detail: `${samples} samples, ${events} events` };
    this.#received = { samples, events, step };
    return step;
  }

  appended(parts: ReadonlyMap<PartitionRef, readonly Part[]>): void {
    const at = this.#now();
    for (const [ref, list] of parts) {
      const unit = partitionName(ref);
      const step = { at, step: 'appended', sink: ref.sink, unit } as const;
      for (const { id } of list) this.traces.note(id, step);
      if (this.taps.any) for (const { items } of list) this.taps.tell('appended', { sink: ref.sink, unit }, items);
    }
  }

  /** By a direct sink: its targets have it, or the local disk. */
  accepted(sink: string, parts: readonly Part[], items: readonly Item[]): void {
    const step = { at: this.#now(), step: 'accepted', sink, detail: 'by its targets, or held on disk' } as const;
    for (const { id } of parts) this.traces.note(id, step);
    if (this.taps.any) this.taps.tell('out', { sink }, items);
  }

  committed(ref: PartitionRef, epoch: number, version: number, ids: readonly string[], items: readonly Item[]): void {
    const unit = partitionName(ref);
    const detail = `${items.length} outputs of the commit`;
    const step = { at: this.#now(), step: 'committed', sink: ref.sink, unit, epoch, version, detail } as const;
    for (const id of ids) this.traces.note(id, step);
    if (this.taps.any) this.taps.tell('out', { sink: ref.sink, unit }, items);
  }

  published(ref: PartitionRef, publisher: string, version: number, ids: readonly string[]): void {
    const step = { at: this.#now(), step: 'published', sink: ref.sink, unit: partitionName(ref), version, publisher } as const;
    for (const id of ids) this.traces.note(id, step);
  }
}
