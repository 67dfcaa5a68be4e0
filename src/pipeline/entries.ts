import { itemLines } from '../core/convert/wire.ts';
import type { Clock } from '../lib/clock.ts';
import { type DataEntry, type Part, printEntry } from '../model/entry.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';
import type { Sequencer } from './sequencer.ts';
import type { Tally } from './tally.ts';
import { speak } from './unspeakable.ts';
import type { ListenerSink, NewLetter, Work } from './work.ts';

export interface EntryDeps {
  readonly sinks: readonly ListenerSink[];
  readonly sequencer: Sequencer;
  readonly clock: Pick<Clock, 'now'>;
  readonly tally: Tally;
}

const encoder = new TextEncoder();
/** Keeps an entry far below every broker's frame and every commit's bound. */
const maxItemsPerEntry = 500;

/** Numbers and prints what goes into topics; what no entry can carry is added to the work's letters. */
export function toEntries(deps: EntryDeps, work: Work): { partition: PartitionRef; bytes: Uint8Array }[] {
  const entries: { partition: PartitionRef; bytes: Uint8Array }[] = [];
  const at = deps.clock.now();
  const add = (partition: PartitionRef, parts: readonly Part[], canaries: Work['canaries']) => {
    const entry = deps.sequencer.next(partitionName(partition), at, parts, canaries);
    entries.push({ partition, bytes: encoder.encode(entryText(deps, work, partition, entry)) });
  };
  // Only a batch that may come to so much is weighed.
  const weigh = work.bytes > maxEntryBytes;
  for (const [partition, parts] of work.parts) {
    const weighed = parts.map((part) => (weigh ? fitting(deps, work, partition, part) : { part, bytes: 0 }));
    for (const chunk of chunks(weighed)) add(partition, chunk, []);
  }
  // After all data of this batch, and every earlier batch is confirmed already: exactly what a canary says.
  if (work.canaries.length > 0) {
    for (const sink of deps.sinks) {
      if (sink.kind === 'topic' && sink.canaries) for (const partition of sink.partitions) add(partition, [], work.canaries);
    }
  }
  return entries;
}

/** What no entry can hold (an infinite volume) becomes a dead letter; its notification stays, to be known when it comes again. */
function entryText(deps: EntryDeps, work: Work, { sink }: PartitionRef, entry: DataEntry): string {
  try {
    return printEntry(entry);
  } catch {
    // one by one it shows which
  }
  const notifications = entry.notifications.map((part) => {
    const spoken = speak(part.items, itemLines);
    for (const { message, text } of spoken.bad) work.letters.push(itemLetter(deps, sink, part.id, message, text));
    return { ...part, items: spoken.items };
  });
  return printEntry({ ...entry, notifications });
}

/** Some brokers take no message beyond 16 MiB, and what an entry says beside its items comes on top. */
const maxEntryBytes = 14 * 1024 * 1024;

function weightOf({ items }: Part): number {
  try {
    return itemLines(items).length;
  } catch {
    return 0; // one of them has no line; it becomes a dead letter where the entry is printed
  }
}

interface Weighed {
  readonly part: Part;
  readonly bytes: number;
}

/** What no entry could carry becomes a dead letter; its notification stays, to be known when it comes again. */
function fitting(deps: EntryDeps, work: Work, { sink }: PartitionRef, part: Part): Weighed {
  const bytes = weightOf(part);
  if (bytes <= maxEntryBytes) return { part, bytes };
  const message = `${part.items.length} items of ${bytes} bytes for one partition; an entry takes ${maxEntryBytes}.`;
  const body = speak(part.items, itemLines).lines;
  work.letters.push({ ...itemLetter(deps, sink, part.id, message, body), reason: 'entry_too_large' });
  return { part: { ...part, items: [] }, bytes: 0 };
}

function* chunks(parts: readonly Weighed[]): Generator<readonly Part[]> {
  let chunk: Part[] = [];
  let [items, bytes] = [0, 0];
  for (const { part, bytes: more } of parts) {
    if (items > 0 && (items + part.items.length > maxItemsPerEntry || bytes + more > maxEntryBytes)) {
      yield chunk;
      chunk = [];
      [items, bytes] = [0, 0];
    }
    chunk.push(part);
    items += part.items.length;
    bytes += more;
  }
  if (chunk.length > 0) yield chunk;
}

function itemLetter(deps: EntryDeps, sink: string, messageId: string, message: string, text: string): NewLetter {
  deps.tally.letters += 1;
  const body = encoder.encode(text);
  return { stage: 'append', reason: 'unspeakable', message, sink, publisher: null, origin: null, messageId, body };
}
