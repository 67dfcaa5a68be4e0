import type { Part } from '../model/entry.ts';
import type { Event } from '../model/event.ts';
import type { Item } from '../model/item.ts';
import type { Sample } from '../model/sample.ts';
import type { Spans } from '../telemetry/spans.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';
import type { Taps } from './taps.ts';
import type { TraceStep, Traces } from './traces.ts';

/** Attribute names of the semantic conventions for messaging, which are still in development. */
const [messageId, source, partition] = [
  'messaging.message.id',
  'messaging.destination.name',
  'messaging.destination.partition.id',
];
/** Of one step of one batch, so that a large one does not drown whoever collects them. */
const mostSpans = 256;
const mostTraced = 16_384;

/** A notification and the trace that it belongs to. */
export type Traced = Pick<Part, 'id' | 'trace'>;

/** What people may watch of the way of messages through this process: live (taps) and afterwards (traces). Never holds anything up. */
export class Watching {
  readonly taps: Taps;
  readonly traces: Traces;
  readonly #now: () => number;
  readonly #spans: Spans | null;
  /** Of notifications that this process computes, the trace of each that has one. */
  readonly #traceOf = new Map<string, string>();
  #received: { readonly samples: number; readonly events: number; readonly step: TraceStep } | null = null;

  constructor(taps: Taps, traces: Traces, now: () => number, spans: Spans | null = null) {
    this.#spans = spans;
    this.taps = taps;
    this.traces = traces;
    this.#now = now;
  }

  /** `parent`: the trace it came with. Returns the one it goes on with. */
  converted(
    input: string,
    origin: string,
    id: string,
    samples: readonly Sample[],
    events: readonly Event[],
    parent?: string,
  ): string | undefined {
    const at = this.#now();
    this.traces.note(id, this.#receivedStep(at, input, origin, samples.length, events.length));
    if (this.taps.any) {
      this.taps.tell('converted', { input }, samples);
      this.taps.tell('converted', { input }, events);
    }
    if (this.#spans === null) return parent;
    const attributes = { [messageId]: id, [source]: origin, 'ceilograph.input': input };
    return this.#spans.note({ name: `receive ${input}`, kind: 'consumer', at, parent, attributes });
  }

  /** The notification of this id, which is being computed here, belongs to this trace. */
  carries(id: string, trace: string): void {
    if (this.#spans === null) return;
    this.#traceOf.set(id, trace);
    if (this.#traceOf.size <= mostTraced) return;
    const { value: oldest } = this.#traceOf.keys().next();
    if (oldest !== undefined) this.#traceOf.delete(oldest);
  }

  #note(spans: Spans, step: TraceStep, kind: 'internal' | 'producer', traced: readonly Traced[]): void {
    const { at, sink = '', unit, publisher, version, epoch } = step;
    const given = {
      [partition]: unit,
      'ceilograph.publisher': publisher,
      'ceilograph.version': version,
      'ceilograph.epoch': epoch,
    };
    const known = Object.entries(given).filter((each): each is [string, string | number] => each[1] !== undefined);
    const where = { 'ceilograph.sink': sink, ...Object.fromEntries(known) };
    for (const { id, trace: own } of traced.slice(0, mostSpans)) {
      const parent = own ?? this.#traceOf.get(id);
      if (parent === undefined) continue;
      spans.note({
        name: `${step.step} ${publisher ?? sink}`,
        kind,
        at,
        parent,
        attributes: { [messageId]: id, ...where },
      });
    }
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
      if (this.#spans !== null) this.#note(this.#spans, step, 'producer', list);
      if (this.taps.any) for (const { items } of list) this.taps.tell('appended', { sink: ref.sink, unit }, items);
    }
  }

  /** By a direct sink: its targets have it, or the local disk. `items`: null where nobody looked at them. */
  accepted(sink: string, notifications: readonly Traced[], items: readonly Item[] | null, count: number): void {
    const step = { at: this.#now(), step: 'accepted', sink, detail: 'by its targets, or held on disk' } as const;
    for (const { id } of notifications) this.traces.note(id, step);
    if (this.#spans !== null) this.#note(this.#spans, step, 'producer', notifications);
    if (!this.taps.any) return;
    if (items === null) this.taps.passed('out', { sink }, count);
    else this.taps.tell('out', { sink }, items);
  }

  committed(ref: PartitionRef, epoch: number, version: number, ids: readonly string[], items: readonly Item[]): void {
    const unit = partitionName(ref);
    const detail = `${items.length} outputs of the commit`;
    const step = { at: this.#now(), step: 'committed', sink: ref.sink, unit, epoch, version, detail } as const;
    for (const id of ids) this.traces.note(id, step);
    if (this.#spans !== null) this.#note(this.#spans, step, 'internal', ids.map(toTraced));
    if (this.taps.any) this.taps.tell('out', { sink: ref.sink, unit }, items);
  }

  published(ref: PartitionRef, publisher: string, version: number, ids: readonly string[]): void {
    const step = { at: this.#now(), step: 'published', sink: ref.sink, unit: partitionName(ref), version, publisher } as const;
    for (const id of ids) this.traces.note(id, step);
    if (this.#spans !== null) this.#note(this.#spans, step, 'producer', ids.map(toTraced));
  }
}

const toTraced = (id: string) => ({ id });
