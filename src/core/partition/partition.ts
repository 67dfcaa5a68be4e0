import type { ConfigEntry, DataEntry, Entry, Part, TickEntry } from '../../model/entry.ts';
import { type Item, itemTime } from '../../model/item.ts';
import type { Json } from '../../model/json.ts';
import { parseJson, printJson } from '../../model/json-text.ts';
import { joinTraces, markTrace, type OutputTraces } from '../../model/output-traces.ts';
import { type InTurns, runThrough } from '../in-turns.ts';
import type { Chain } from '../transformers/chain.ts';
import { parseEventTime } from '../transformers/event-time.ts';
import type { Drop, Time } from '../transformers/transformer.ts';
import type { Anchor } from './anchor.ts';
import type { Cursor } from './cursor.ts';
import { compileFormerPlaces, type FormerLayout } from './former-layout.ts';
import { IdLog, type IdLogChange } from './id-log.ts';
import {
  applyTick,
  awaitInputs,
  type ClockState,
  clockStart,
  passTo,
  sawCanary,
  sawEventTime,
  sawWallClock,
  watermark,
} from './partition-clock.ts';
import { Positions } from './positions.ts';

/**
 * One partition of one sink: entries in, outputs and changes out. No clock, no I/O: the same entries give the same outputs, so a
 * replay of the recorded entries in one process is the oracle of every fault test.
 *
 * Lives: `restore` once, then `apply` entry by entry, then `takeChange` for one commit, and on with `apply`.
 */
const futureBoundMs = 10 * 60_000;

export type Outcome = 'applied' | 'duplicate' | 'held' | 'ticked' | 'feed-late' | 'ignored';

export interface Applied {
  readonly outcome: Outcome;
  readonly out: readonly Item[];
  /** What time brought out has none, though a notification moved the time. */
  readonly traces: OutputTraces | undefined;
  readonly dropped: readonly Drop[];
  readonly letters: readonly Letter[];
  /** Notifications of a repeated raw message, counted. */
  readonly repeated: number;
  /** Entries that were waited for in vain, by the listener boot that numbered them. */
  readonly passedOver: readonly { readonly listener: string; readonly entries: number }[];
}

/** An item that cannot be computed, for the dead letters. */
export interface Letter {
  readonly reason: string;
  readonly message: string;
  readonly item: Item;
  /** As it came into the sink: the same item may come again. */
  readonly asItCame?: true;
}

export interface PartitionChange extends IdLogChange {
  readonly set: readonly (readonly [key: string, value: string])[];
  readonly del: readonly string[];
  readonly rolling: readonly (readonly [key: string, value: string])[];
  readonly roundStart: boolean;
  readonly roundEnd: boolean;
  readonly cursor: string;
}

const nothing = { out: [], traces: undefined, dropped: [], letters: [], repeated: 0, passedOver: [] } as const;

export class Partition {
  readonly #chain: Chain;
  readonly #positions = new Positions();
  readonly #ids = new IdLog();
  readonly #held = new Map<string, Map<number, DataEntry>>();
  #clock: ClockState = clockStart;
  #configHash: string | null = null;
  #lastOffset: Anchor | null = null;
  #anchor: Anchor | null = null;
  #former: readonly FormerLayout[] = [];
  #formerPlaces: ReturnType<typeof compileFormerPlaces> = () => [];

  constructor(chain: Chain) {
    this.#chain = chain;
  }

  /** The hash of the configuration the state was computed under; null before the first. */
  get configHash(): string | null {
    return this.#configHash;
  }

  /** Is this what the state was computed under last? A renamed input must not be waited for ever. */
  runsUnder(hash: string, inputs: readonly string[]): boolean {
    const { canaries } = this.#clock;
    const sameInputs = Object.keys(canaries).length === inputs.length && inputs.every((input) => Object.hasOwn(canaries, input));
    return this.#configHash === hash && sameInputs;
  }

  /** Everything up to here is applied; where reading goes on after a restart. */
  get anchor(): Anchor | null {
    return this.#anchor;
  }

  get heldCount(): number {
    let count = 0;
    for (const entries of this.#held.values()) count += entries.size;
    return count;
  }

  /** Another owner reads on, in a replay: what was held it does not know, and reads again. */
  takenOver(): void {
    this.#held.clear();
  }

  get keys(): number {
    return this.#chain.size;
  }

  get openIds(): number {
    return this.#ids.openCount;
  }

  get closedIds(): number {
    return this.#ids.closedCount;
  }

  get partitionMs(): number {
    return this.#clock.partitionMs;
  }

  restore(cursorText: string | null, ids: readonly (readonly [slice: number, text: string])[]): void {
    runThrough(this.restoring(cursorText, ids));
  }

  /** Hand over the stored states first (`loadStates`), then this. */
  *restoring(cursorText: string | null, ids: readonly (readonly [slice: number, text: string])[]): InTurns {
    if (cursorText !== null) {
      const cursor = parseJson(cursorText) as unknown as Cursor;
      this.#positions.restore(cursor.listeners);
      this.#clock = { ...cursor.clock, eventTime: cursor.clock.eventTime ?? null };
      this.#configHash = cursor.config;
      this.#anchor = cursor.anchor;
      this.#lastOffset = cursor.anchor;
      this.#former = cursor.former ?? [];
      this.#formerPlaces = compileFormerPlaces(this.#former);
    }
    yield* this.#ids.restoring(ids, this.#positions.proven(), this.#clock.partitionMs);
    yield* this.#chain.resuming(this.#time());
  }

  /** `ofOpenRound`: they stand in commits of the checkpoint's round that is open, and so does all that is loaded after them. */
  loadStates(chunk: readonly (readonly [key: string, value: string | null])[], ofOpenRound = false): void {
    this.#chain.load(chunk, ofOpenRound);
  }

  /** The owner's own entry, before the first one it handles under its configuration. */
  configure(entry: ConfigEntry): void {
    this.#applyConfig(entry);
  }

  apply(entry: Entry, offset: number, fingerprint: string): Applied {
    let applied = this.#applyOne(entry);
    for (const listener of this.#positions.read(this.#clock.now)) applied = join(applied, this.#goOnWithout(listener));
    this.#lastOffset = { offset, fingerprint };
    // While anything is held the anchor stays before it: a restart must read the held entries again.
    if (!this.#positions.waits) this.#anchor = this.#lastOffset;
    return applied;
  }

  #applyOne(entry: Entry): Applied {
    switch (entry.kind) {
      case 'genesis':
        return { ...nothing, outcome: 'ignored' };
      case 'config':
        return this.#applyConfig(entry);
      case 'tick':
        return this.#applyTick(entry);
      case 'data':
        return this.#applyInSequence(entry);
    }
  }

  #applyConfig(entry: ConfigEntry): Applied {
    this.#configHash = entry.hash;
    this.#clock = awaitInputs(sawWallClock(this.#clock, entry.at), entry.inputs, entry.at);
    return { ...nothing, outcome: 'applied' };
  }

  #applyTick(entry: TickEntry): Applied {
    if (this.#positions.waits) {
      // The anchor stands still, and a takeover reads this tick again: applied now it would count twice.
      this.#clock = sawWallClock(this.#clock, entry.at);
      return { ...nothing, outcome: 'ignored' };
    }
    const { state, outcome } = applyTick(this.#clock, entry);
    if (outcome === 'ignored') return { ...nothing, outcome: 'ignored' };
    this.#clock = state;
    this.#ids.advance(state.partitionMs);
    const result = this.#chain.advance(this.#time());
    return { ...nothing, ...result, outcome: outcome === 'moved' ? 'ticked' : 'feed-late' };
  }

  #applyInSequence(entry: DataEntry): Applied {
    const verdict = this.#positions.decide(entry.listener, entry.seq);
    if (verdict === 'duplicate') return { ...nothing, outcome: 'duplicate' };
    if (verdict === 'ahead') {
      this.#hold(entry);
      return { ...nothing, outcome: 'held' };
    }
    let applied = this.#applyData(entry);
    for (let next = this.#takeHeld(entry.listener); next; next = this.#takeHeld(entry.listener)) {
      applied = join(applied, this.#applyData(next));
    }
    return applied;
  }

  /** Everything that is held of it, in order, over what is missing in between. */
  #goOnWithout(listener: string): Applied {
    let applied: Applied = { ...nothing, outcome: 'applied' };
    const held = [...(this.#held.get(listener) ?? [])].sort(([a], [b]) => a - b);
    let entries = 0;
    for (const [seq, entry] of held) {
      entries += this.#positions.passOver(listener, seq);
      applied = join(applied, this.#applyData(entry));
    }
    this.#held.delete(listener);
    this.#positions.stopWaiting(listener);
    return entries === 0 ? applied : { ...applied, passedOver: [{ listener, entries }] };
  }

  #applyData(entry: DataEntry): Applied {
    const out: Item[] = [];
    const dropped: Drop[] = [];
    const letters: Letter[] = [];
    let traces: (string | undefined)[] | undefined;
    let repeated = 0;
    this.#sawData(entry.at);
    for (const part of entry.notifications) {
      const items = this.#unrepeated(part);
      if (items.length < part.items.length) repeated += 1;
      if (items.length === 0 && part.items.length > 0) continue;
      this.#ids.add(entry.listener, entry.seq, part.id);
      const from = out.length;
      const to = this.#applyPart(items === part.items ? part : { ...part, items }, out, dropped, letters);
      if (part.trace !== undefined && to > from) traces = markTrace(traces, from, to, part.trace);
    }
    for (const [input, sentAt] of entry.canaries) this.#clock = sawCanary(this.#clock, input, sentAt);
    this.#positions.advance(entry);
    this.#ids.prove(entry.listener, entry.proven);
    return { outcome: 'applied', out, traces, dropped, letters, repeated, passedOver: [] };
  }

  /** Under a former layout the notification may have reached some partitions and not others. */
  #unrepeated(part: Part): readonly Item[] {
    if (!this.#ids.has(part.id)) return part.items;
    const origins = this.#former.length === 0 ? null : this.#ids.origins(part.id);
    if (origins === null) return [];
    return part.items.filter((item) => !this.#formerPlaces(item).some((place) => origins.has(place)));
  }

  /** Nobody ticks a partition whose results need no time. Its data moves the time then: ids would be kept for ever without. */
  #sawData(at: number): void {
    this.#clock = this.#chain.needsTime ? sawWallClock(this.#clock, at) : passTo(this.#clock, at);
    this.#ids.advance(this.#clock.partitionMs);
  }

  /** Returns where in `out` those end that the notification itself brought out. */
  #applyPart(part: Part, out: Item[], dropped: Drop[], letters: Letter[]): number {
    const items: Item[] = [];
    for (const item of part.items) {
      const at = parseEventTime(itemTime(item));
      if (at > this.#clock.now + futureBoundMs) {
        const message = `Event time ${itemTime(item)} is more than 10 minutes ahead.`;
        letters.push({ reason: 'from_the_future', message, item, asItCame: true });
        continue;
      }
      this.#clock = sawEventTime(this.#clock, at);
      items.push(item);
    }
    const time = this.#time();
    const result = this.#chain.applyNotification(part.id, items, time);
    collect(result, out, dropped, letters);
    const end = out.length;
    collect(this.#chain.advance(time), out, dropped, letters);
    return end;
  }

  #hold(entry: DataEntry): void {
    const entries = this.#held.get(entry.listener) ?? new Map<number, DataEntry>();
    entries.set(entry.seq, entry);
    this.#held.set(entry.listener, entries);
    this.#positions.wait(entry.listener, this.#clock.now);
  }

  /** The next of what is held, once what was missing before it has come. */
  #takeHeld(listener: string): DataEntry | undefined {
    const entries = this.#held.get(listener);
    for (const [seq, entry] of entries ?? []) {
      const verdict = this.#positions.decide(listener, seq);
      if (verdict === 'ahead') continue;
      entries?.delete(seq);
      if (entries?.size === 0) {
        this.#held.delete(listener);
        this.#positions.stopWaiting(listener);
      }
      if (verdict === 'next') return entry;
    }
    return undefined;
  }

  /** Everything that changed since the last call, for one commit. */
  takeChange(rollingKeys: number): PartitionChange {
    const { set, del } = this.#chain.takeDirty();
    const { rows, roundStart, roundEnd } = this.#chain.rolling(Math.min(rollingKeys, Math.max(16, 2 * set.length)));
    const cursor = {
      config: this.#configHash,
      clock: this.#clock,
      anchor: this.#anchor,
      listeners: this.#positions.toJson(),
      ...(this.#former.length === 0 ? {} : { former: this.#former }),
    } satisfies Cursor;
    return {
      set,
      del,
      rolling: rows,
      roundStart,
      roundEnd,
      cursor: printJson(cursor as unknown as Json),
      ...this.#ids.takeChange(),
    };
  }

  #time(): Time {
    return { partition: this.#clock.partitionMs, watermark: watermark(this.#clock), now: this.#clock.now };
  }
}

interface ChainResult {
  readonly out: readonly Item[];
  readonly dropped: readonly Drop[];
  readonly letters: readonly Letter[];
}

function collect(result: ChainResult, out: Item[], dropped: Drop[], letters: Letter[]): void {
  for (const item of result.out) out.push(item);
  for (const drop of result.dropped) dropped.push(drop);
  for (const letter of result.letters) letters.push(letter);
}

function join(a: Applied, b: Applied): Applied {
  return {
    outcome: 'applied',
    out: [...a.out, ...b.out],
    traces: joinTraces([a, b].map(({ out, traces }) => ({ count: out.length, traces }))),
    dropped: [...a.dropped, ...b.dropped],
    letters: [...a.letters, ...b.letters],
    repeated: a.repeated + b.repeated,
    passedOver: [...a.passedOver, ...b.passedOver],
  };
}
