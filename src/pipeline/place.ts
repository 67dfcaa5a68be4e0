import { type Anchor, checkAnchor } from '../core/partition/anchor.ts';
import { parseEntry } from '../model/entry.ts';
import { Fault } from '../model/faults.ts';
import { stableHashOfBytes } from '../model/stable-hash.ts';
import { type PartitionRef, partitionName, type Received } from '../topics/topic.ts';

/**
 * At the anchor a log must hold what was applied last, and its genesis entry when nothing was applied yet: a state that was lost finds
 * what it needs trimmed. Gives what there is to apply of the `received`, the first that an owner reads. Throws a fatal Fault with what
 * `checkAnchor` found, in small letters: the partition stops, visibly.
 */
export function checkPlace(ref: PartitionRef, anchor: Anchor | null, received: readonly Received[]): readonly Received[] {
  const first = received[0];
  if (anchor === null && (first === undefined || isGenesis(first))) return received;
  const found = first === undefined ? null : { offset: first.offset, fingerprint: fingerprintOf(first) };
  const check = anchor === null ? 'LOG_GAP' : checkAnchor(anchor, found);
  if (check === 'same') return received.slice(1);
  throw new Fault(
    'fatal',
    check.toLowerCase(),
    `${partitionName(ref)}: ${check}: the topic does not hold what was applied last.`,
  );
}

export function fingerprintOf(one: Received): Anchor['fingerprint'] {
  return stableHashOfBytes(one.bytes).toString(16);
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function isGenesis(one: Received): boolean {
  try {
    return parseEntry(decoder.decode(one.bytes)).kind === 'genesis';
  } catch {
    return false; // not even an entry
  }
}
