import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LeaseToken } from '../coordination/group.ts';
import { type Entry, printEntry } from '../model/entry.ts';
import { type PartitionRef, partitionName } from '../topics/topic.ts';

/** The commit that an entry is to be part of. Of several attempts at one version only the last can have been committed. */
export interface Attempt {
  readonly token: Pick<LeaseToken, 'incarnation' | 'epoch'>;
  readonly version: number;
}

/**
 * Writes every entry of a partition before it is applied, one line `incarnation.epoch.version TAB entry`, one file per partition: the
 * exact input of a replay (`record:` in a sink). An entry that is read again after a crash or by the next owner stands there again, in
 * the order in which it came then, which a broker need not keep.
 */
export class Recorder {
  readonly #folder: string;
  #ready: Promise<unknown> | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async record(ref: PartitionRef, { token, version }: Attempt, entry: Entry): Promise<void> {
    this.#ready ??= mkdir(this.#folder, { recursive: true });
    await this.#ready;
    const attempt = `${token.incarnation}.${token.epoch}.${version}`;
    await appendFile(join(this.#folder, `${partitionName(ref)}.log`), `${attempt}\t${printEntry(entry)}\n`);
  }
}

interface Attempted {
  readonly by: readonly [incarnation: number, epoch: number];
  readonly entries: string[];
}

/**
 * The entries of one partition as they were committed, a list for each owner: of each version what its last owner read. An owner that was
 * killed in between, or that woke up and found itself fenced, has read what another one read again.
 */
export function parseRecording(text: string): readonly (readonly string[])[] {
  const versions = new Map<number, Attempted>();
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    if (tab < 0) continue;
    const [incarnation = 0, epoch = 0, version = 0] = line.slice(0, tab).split('.').map(Number);
    const known = versions.get(version);
    const later = known === undefined ? 1 : incarnation - known.by[0] || epoch - known.by[1];
    if (later > 0) versions.set(version, { by: [incarnation, epoch], entries: [line.slice(tab + 1)] });
    else if (later === 0) known?.entries.push(line.slice(tab + 1));
  }
  const owners = new Map<string, string[]>();
  for (const [, { by, entries }] of [...versions].sort(([a], [b]) => a - b)) {
    const owner = by.join('.');
    owners.set(owner, [...(owners.get(owner) ?? []), ...entries]);
  }
  return [...owners.values()];
}
