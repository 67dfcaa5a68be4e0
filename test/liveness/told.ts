import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Line {
  readonly message_id: string;
  readonly event_type: string;
  readonly traits: readonly (readonly [name: string, dtype: number, value: unknown])[];
}

export interface Told {
  /** Per host what was told, each id once, in the order it was written. */
  readonly byHost: ReadonlyMap<string, readonly string[]>;
  /** Of the lots that were told as one: `host.down` or `host.up`, and how many hosts. */
  readonly lots: readonly { readonly type: string; readonly hosts: number }[];
  readonly feedLate: number;
  readonly events: number;
  /** Ids under which two contents came. */
  readonly twoContents: readonly string[];
}

export async function readTold(folder: string): Promise<Told> {
  const text = await readFile(join(folder, 'out', 'told.jsonl'), 'utf8').catch(() => '');
  const seen = new Map<string, string>();
  const byHost = new Map<string, string[]>();
  const twoContents: string[] = [];
  const lots: { type: string; hosts: number }[] = [];
  let feedLate = 0;
  for (const line of text.split('\n').filter((each) => each !== '')) {
    const { message_id, event_type, traits } = JSON.parse(line) as Line;
    const before = seen.get(message_id);
    if (before !== undefined) {
      if (before !== line) twoContents.push(message_id);
      continue;
    }
    seen.set(message_id, line);
    if (event_type === 'feed.late') feedLate += 1;
    const trait = (name: string) => traits.find(([each]) => each === name)?.[2];
    const host = trait('host');
    if (trait('reason') === 'storm') {
      lots.push({ type: event_type, hosts: Number(trait('hosts')) });
      continue;
    }
    if (typeof host === 'string') byHost.set(host, [...(byHost.get(host) ?? []), event_type]);
  }
  return { byHost, lots, feedLate, events: seen.size, twoContents };
}
