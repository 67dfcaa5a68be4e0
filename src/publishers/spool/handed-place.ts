import { readEntry } from '../../core/spool/entry.ts';
import { SpoolerSchema } from '../../core/spool/settings.ts';
import { printJson } from '../../model/json-text.ts';
import { type Agreed, toAgreed } from '../../services/spooler/agreed.ts';
import type { Hand } from '../publisher.ts';

/** Of the spool of a site, what a publisher needs. */
export interface Place {
  readonly arrivals: { take(arrived: readonly { id: string; tag: string; peer: string; entry: Uint8Array }[]): Promise<unknown> };
  readonly spool: { put(entries: readonly Uint8Array[]): Promise<unknown> };
  agreed(): Agreed;
  close(): Promise<void>;
}

/** A spool that keeps nothing, with the settings of a spooler to which nobody has said any. */
export function handedPlace(hand: Hand): Place {
  const give = async (deliver: 'local' | 'remote', entries: readonly Uint8Array[]) => {
    for (const entry of entries) await hand({ to: { deliver }, body: printJson(readEntry(entry).record) });
  };
  const settings = toAgreed(SpoolerSchema.parse({}));
  return {
    arrivals: {
      take: (arrived) =>
        give(
          'local',
          arrived.map(({ entry }) => entry),
        ),
    },
    spool: { put: (entries) => give('remote', entries) },
    agreed: () => settings,
    close: async () => undefined,
  };
}
