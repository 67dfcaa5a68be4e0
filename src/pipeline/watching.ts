import type { Part } from '../model/entry.ts';
import type { Event } from '../model/event.ts';
import type { Item } from '../model/item.ts';
import type { Sample } from '../model/sample.ts';
import type { Spans } from '../telemetry/spans.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';
import type { Taps } from './taps.ts';
import type { TraceFacts, Traces } from './traces.ts';

/** Attribute names of the semantic conventions for messaging, which are still in development. */
const [messageId, source, partition] = [
  'messaging.message.id',
  'messaging.destination.name',
  'messaging.destination.partition.id',
];
/** Of one step of one batch, so that a large one does not drown whoever collects them. */
const mostSpans = 256;
const mostTraced = 16_384;
const mostCounts = 64;

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
  /** What was said last of a notification that came to as many samples and events. */
  readonly #received = new Map<number, TraceFacts>();
  readonly #accepted = new Map<string, TraceFacts>();

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
    this.traces.note(id, at, this.#receivedFacts(input, origin, samples.length, events.length));
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

  #note(spans: Spans, at: number, step: TraceFacts, kind: 'internal' | 'producer', traced: readonly Traced[]): void {
    const { sink = '', unit, publisher, version, epoch } = step;
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

  /** Notifications that are alike share theirs: what is kept for long costs the most. */
  #receivedFacts(input: string, origin: string, samples: number, events: number): TraceFacts {
    const counts = samples < mostCounts && events < mostCounts ? samples * mostCounts + events : -1;
    const known = this.#received.get(counts);
    if (known?.origin === origin && known.input === input) return known;
    const facts: TraceFacts = { step: 'received', input, origin, detail: `${samples} samples, ${events} events` };
    if (counts >= 0) this.#received.set(counts, facts);
    return facts;
  }

  appended(parts: ReadonlyMap<PartitionRef, readonly Part[]>): void {
    const at = this.#now();
    for (const [ref, list] of parts) {
      const unit = partitionName(ref);
      const step = { step: 'appended', sink: ref.sink, unit } as const;
      for (const { id } of list) this.traces.note(id, at, step);
      if (this.#spans !== null) this.#note(this.#spans, at, step, 'producer', list);
      if (this.taps.any) for (const { items } of list) this.taps.tell('appended', { sink: ref.sink, unit }, items);
    }
  }

  /** By a direct sink: its targets have it, or the local disk. `items`: null where nobody looked at them. */
  accepted(sink: string, notifications: readonly Traced[], items: readonly Item[] | null, count: number): void {
    const at = this.#now();
    const step = this.#accepted.get(sink) ?? { step: 'accepted', sink, detail: 'by its targets, or held on disk' };
    this.#accepted.set(sink, step);
    for (const { id } of notifications) this.traces.note(id, at, step);
    if (this.#spans !== null) this.#note(this.#spans, at, step, 'producer', notifications);
    if (!this.taps.any) return;
    if (items === null) this.taps.passed('out', { sink }, count);
    else this.taps.tell('out', { sink }, items);
  }

  committed(ref: PartitionRef, epoch: number, version: number, ids: readonly string[], items: readonly Item[]): void {
    const unit = partitionName(ref);
    const detail = `${items.length} outputs of the commit`;
    const at = this.#now();
    const step = { step: 'committed', sink: ref.sink, unit, epoch, version, detail } as const;
    for (const id of ids) this.traces.note(id, at, step);
    if (this.#spans !== null) this.#note(this.#spans, at, step, 'internal', ids.map(toTraced));
    if (this.taps.any) this.taps.tell('out', { sink: ref.sink, unit }, items);
  }

  published(ref: PartitionRef, publisher: string, version: number, ids: readonly string[]): void {
    const at = this.#now();
    const step = { step: 'published', sink: ref.sink, unit: partitionName(ref), version, publisher } as const;
    for (const id of ids) this.traces.note(id, at, step);
    if (this.#spans !== null) this.#note(this.#spans, at, step, 'producer', ids.map(toTraced));
  }
}

const toTraced = (id: string) => ({ id });
