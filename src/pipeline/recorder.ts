import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Entry, printEntry } from '../model/entry.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';

/**
 * Writes every entry of a partition before it is applied, one line `offset TAB entry`, one file per partition: the exact input of a
 * replay (`record:` in a sink). An entry that is read again after a crash or by the next owner stands there again; a replay
 * takes each offset once, in order.
 */
export class Recorder {
  readonly #folder: string;
  #ready: Promise<unknown> | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async record(ref: PartitionRef, offset: number, entry: Entry): Promise<void> {
    this.#ready ??= mkdir(this.#folder, { recursive: true });
    await this.#ready;
    await appendFile(join(this.#folder, `${partitionName(ref)}.log`), `${offset}\t${printEntry(entry)}\n`);
  }
}

/** The recorded entries of one partition, each once, in the order they were applied. A config entry shares its predecessor's offset. */
export function parseRecording(text: string): readonly { readonly offset: number; readonly entry: string }[] {
  const seen = new Set<string>();
  const lines = text.split('\n').flatMap((line) => {
    const tab = line.indexOf('\t');
    if (tab < 0 || seen.has(line)) return [];
    seen.add(line);
    return [{ offset: Number(line.slice(0, tab)), entry: line.slice(tab + 1) }];
  });
  return lines.sort((a, b) => a.offset - b.offset);
}
